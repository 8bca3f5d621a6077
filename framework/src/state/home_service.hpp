/// @file
/// Performs the requests of workers for objects that live in the program's process.
#pragma once

#include <atomic>
#include <chrono>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include <cadre/detail/base/byte_buffer.hpp>

#include "state/home_budget.hpp"
#include "state/home_domain.hpp"
#include "state/home_locks.hpp"
#include "state/home_objects.hpp"

namespace cadre::detail {

/// One worker process, for as long as it lives.
struct home_client {
    std::uint32_t node = 0;
    std::uint64_t worker = 0;

    friend auto operator<=>(const home_client&, const home_client&) = default;
};

/// Sends answers to the worker.
class home_answers {
public:
    /// The number of bytes that can be appended to an answer without an allocation.
    static constexpr std::size_t spare = 32;

    /// Any thread, possibly one that holds the lock of the domain's registry; must not block.
    virtual void answer(home_client to, std::uint64_t ticket, byte_buffer answer) noexcept = 0;

protected:
    ~home_answers() = default;
};

/// Keeps for each worker what it has of the objects: handles, locks, permits, messages in hand, waits. When the worker
/// ends, its waits are withdrawn, its locks are freed with `owner_died`, its permits return, and messages that it has
/// not confirmed go back.
///
/// Thread-safe; requests of one worker are passed by one thread at a time. `mutex_` guards the tables. No operation
/// runs and no object is destroyed under it.
class home_service {
public:
    home_service(std::shared_ptr<home_domain> domain, home_answers& answers,
                 const home_limits& limits = home_limits::of_this_machine())
        : domain_(std::move(domain)), answers_(answers), limits_(limits),
          budget_(std::make_shared<home_budget>(limits.bytes_of_all)) {}
    ~home_service() { clear_done(); }
    home_service(const home_service&) = delete;
    home_service& operator=(const home_service&) = delete;

    /// @param ticket names the answer; 0: none is wanted. A malformed request is answered by `broken`, one that exceeds
    /// the limits by `exhausted`.
    void request(home_client from, std::uint64_t ticket, std::span<const std::byte> request) noexcept;
    /// Ends the wait with this ticket now; the answer is that it was performed, or `would_block`.
    void stop(home_client from, std::uint64_t ticket) noexcept;
    void ended(home_client worker) noexcept;
    /// All workers of the agent have ended.
    void node_ended(std::uint32_t node) noexcept;
    /// After the domain has stopped, which ends every wait: returns when no other thread completes one, at the deadline
    /// at the latest. Afterwards this object may be destroyed.
    void wait_for_completions(std::chrono::steady_clock::time_point deadline) noexcept;

private:
    class operation;
    struct possession {
        std::shared_ptr<shared_object> object{};
        std::uint64_t handles = 0;
        std::uint64_t lock_ticket = 0;  // of the request to which the lock was given; 0: it has no lock
        std::uint64_t shares = 0;  // of a shared lock
        std::uint64_t permits = 0;
        home_charge charge{};

        [[nodiscard]] bool empty() const noexcept {
            return handles == 0 && lock_ticket == 0 && shares == 0 && permits == 0;
        }
    };
    // What a worker was given, and has not confirmed.
    struct in_hand {
        std::shared_ptr<home_channel> channel{};
        home_channel::messages message{};  // one message
        std::shared_ptr<home_condition> notified{};  // instead: a notification
    };
    struct session {
        std::shared_ptr<home_budget> budget{};
        std::map<home_number, possession> possessions{};
        std::map<std::uint64_t, std::shared_ptr<operation>> waits{};  // by ticket
        std::map<std::uint64_t, in_hand> received{};  // by ticket
    };

    class request_handler;
    /// @return the answer; empty if it comes later, or none is wanted
    [[nodiscard]] byte_buffer handle(home_client from, std::uint64_t ticket, decoder& in);
    /// @throws std::bad_alloc if it exceeds a limit
    [[nodiscard]] home_charge charge(home_client from, std::uint64_t bytes);
    /// Under `mutex_`. @throws std::bad_alloc if the node has too many
    [[nodiscard]] session& session_of(home_client from);
    /// Under `mutex_`. @throws std::bad_alloc if it exceeds a limit
    [[nodiscard]] static possession& possession_of(session& of, home_number number);
    void note_handle(home_client from, const std::shared_ptr<shared_object>& object, home_number number);
    void begin(home_client from, std::uint64_t ticket, std::shared_ptr<operation> op);
    void completed(operation& op) noexcept;
    /// Notes what a performed operation has given to the worker, and writes the answer. @return false: the worker has
    /// ended
    [[nodiscard]] bool grant(operation& op, byte_buffer& answer);
    static void undo(operation& op) noexcept;
    /// Reverts what `grant` has noted before an allocation failed.
    void drop_ungranted(const operation& op) noexcept;
    static void give_back(in_hand taken) noexcept;
    static void end(session of) noexcept;
    /// Destroys completed operations, without `mutex_`.
    void clear_done() noexcept;
    /// Under `mutex_`. Null: the worker has nothing of the object
    [[nodiscard]] possession* find_possession(home_client of, home_number number) noexcept;
    /// Under `mutex_`. Whether this very operation is a wait of its worker: another one may have its ticket.
    [[nodiscard]] bool is_waited_for(const operation& op) const noexcept;
    /// Under `mutex_`.
    session take_session(std::map<home_client, session>::iterator at) noexcept;
    /// Under `mutex_`. The caller is another owner of the object, so that it is not destroyed here.
    void erase_if_empty(home_client of, home_number number) noexcept;
    [[nodiscard]] std::optional<in_hand> take_in_hand(home_client from, std::uint64_t ticket) noexcept;

    const std::shared_ptr<home_domain> domain_;
    home_answers& answers_;
    const home_limits limits_;
    const std::shared_ptr<home_budget> budget_;  // of all workers

    std::atomic<std::size_t> operations_{0};  // number of existing operations
    std::mutex mutex_;
    std::map<home_client, session> sessions_;
    std::map<std::uint32_t, std::size_t> sessions_of_nodes_;
    // Completed, maybe by a thread under the registry's lock: it must not destroy their objects.
    // Linked by `next_done`: this needs no memory.
    std::shared_ptr<operation> done_;
};

}  // namespace cadre::detail
