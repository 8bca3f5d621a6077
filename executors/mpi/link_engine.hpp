/// @file
/// The loop over the messages of MPI, which one thread at a time runs.
#pragma once

#include "mpi/inbox.hpp"
#include "mpi/link_state.hpp"
#include "mpi/mpi_link.hpp"
#include "mpi/outbox.hpp"
#include "mpi/work_distribution.hpp"
#include "node/node_link.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace cadre::detail::mpi {

/// A thread that runs its functions has the *turn*: `link_state` says which one. The first turn is that of the thread
/// of the link, from its construction on.
class link_engine {
public:
    /// @param hello  if it is empty, no agent joins
    link_engine(const mpi_options& options, node::node_link_events& events, byte_buffer hello, link_state& shared)
        : options_(options), events_(events), hello_(std::move(hello)), shared_(shared) {}

    /// The thread of the link: joins the run. @throws config_error
    void join();
    /// The thread of the link, after `join`: runs until all ranks have left or the deadline has passed. Keeps the turn.
    void run() noexcept;
    /// The loop: one step, unless another thread has the turn. @return whether anything has moved
    bool poll() noexcept;
    /// Any thread: starts the sends of what was published, unless others are open or another thread has the turn: then
    /// the next poll, or that thread, starts them. Raises no event.
    void flush() noexcept;
    /// Whether MPI was finalised. If not, it may still read from messages of this object, which must not be destroyed.
    [[nodiscard]] bool finalized() const noexcept { return finalized_; }

private:
    using clock = std::chrono::steady_clock;
    enum class phase : std::uint8_t {
        running,
        leaving,  // `end` or `bye` was sent; waits for the other side
        ending,  // the program: all agents have sent `bye`; `finalize` is sent
        done,
        late  // the deadline has passed
    };
    struct peer {
        bool serves = false;
        bool joined = false;
        bool left = false;  // has sent `bye`
        bool gone = false;  // has failed, or violated the protocol
    };

    [[nodiscard]] bool is_program() const noexcept { return rank_ == 0; }
    [[nodiscard]] peer& peer_at(int rank) noexcept { return peers_[static_cast<std::size_t>(rank)]; }

    // Turns: link_turns.cpp.
    [[nodiscard]] bool take_turn() noexcept { return !shared_.turn.exchange(true, std::memory_order_acq_rel); }
    void end_turn() noexcept;
    [[nodiscard]] bool loop_polls() noexcept;
    void record(bool moved) noexcept;
    [[nodiscard]] clock::duration choose_sleep() noexcept;
    void wait(clock::duration sleep) noexcept;

    void choose_serving();
    bool step();
    bool take_requests();
    void send(request& what);
    void drain_work();
    bool distribute_work();
    bool report_credit(bool idle);
    bool receive();
    void handle_in_program(int from);
    void handle_in_agent(int from);
    void lose(int rank, const std::string& why);
    void check_failures();
    void handle_mpi_error(int error);
    void advance_leaving();
    void finalize() noexcept;
    void report_late() const;

    const mpi_options options_;
    node::node_link_events& events_;
    byte_buffer hello_;
    link_state& shared_;

    const cadre_mpi_functions* mpi_ = nullptr;
    int rank_ = 0;
    int size_ = 1;
    std::vector<std::string> hosts_{};  // by rank
    std::vector<peer> peers_{};
    std::optional<outbox> outbox_{};
    std::optional<inbox> inbox_{};
    std::optional<work_distribution> work_{};
    std::vector<request> taken_{};

    phase phase_ = phase::running;
    bool may_finalize_ = false;  // of an agent
    bool program_ended_ = false;  // of an agent
    bool reports_failures_ = false;
    bool finalized_ = false;
    std::uint64_t work_received_ = 0;
    bool drains_work_ = false;  // unsent work is to be withdrawn
    std::uint32_t seen_polls_ = 0;  // of the loop, by the thread of the link
    bool progressed_ = true;  // since the last time that the clock was read
    clock::time_point last_progress_{};
    clock::duration waited_{};  // since then, when the clock was read
    bool expects_message_ = true;  // the last action was the send of a message, or the receipt of a part
    bool messages_are_quick_ = false;  // the last expected message arrived soon
    bool crowded_ = false;  // when the clock was read
    clock::time_point next_failure_check_{};
};

}  // namespace cadre::detail::mpi
