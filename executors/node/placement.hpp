/// @file
/// The placement of calls: the program's table of calls and of the places that run them.
#pragma once

#include "node/message.hpp"
#include "node/node_link.hpp"

#include <cadre/detail/base/intrusive_list.hpp>
#include <cadre/detail/scheduler/portable_call.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

namespace cadre::detail::node {

/// Something that runs calls: the pool of the program's own host, one agent, or all agents together, which share a
/// queue of the engine.
struct place {
    node_id agent = 0;  ///< 0: not a single agent
    bool local = false;
    std::uint32_t workers = 0;
    std::uint32_t credit = 0;  ///< maximum number of calls
    std::size_t calls = 0;  ///< number of calls that are placed here

    [[nodiscard]] bool has_room() const noexcept { return calls < credit; }
    /// Whether it has fewer calls for each of its workers.
    [[nodiscard]] bool is_freer_than(const place& other) const noexcept {
        return std::uint64_t{calls} * other.workers < std::uint64_t{other.calls} * workers;
    }
};

/// The record of a call that has not completed.
struct placed_call {
    call_number number = 0;
    portable_call* call = nullptr;
    portable_call* relay = nullptr;  ///< in the local pool
    place* at = nullptr;  ///< null: it waits, or its place was removed
    node_id taken_by = 0;  ///< the agent that has it; 0: not known
    bool waits = false;
    bool handing_over = false;  ///< a thread submits it to its place, without the lock
    bool lost = false;  ///< its place was removed meanwhile
    bool items_returned = false;
    std::uint32_t items = 1;  ///< without those that were taken back
    std::uint64_t arguments_sent = 0;  ///< of arguments that travel separately: bytes up to here were requested
    int retries = 0;  ///< remaining
    stop_reason stop = stop_reason::none;  ///< the strongest request
    std::chrono::steady_clock::time_point forced_at{};  ///< when a kill was requested; the epoch: not requested
    chunk_progress_report progress{};  ///< of a chunk, as its agent has reported
    list_links<placed_call> links{};
};

/// Not thread-safe.
class placement {
public:
    /// @param shared_queue  whether all agents share a queue; if not, each call is assigned to one agent
    explicit placement(bool shared_queue);

    // Places.

    place& local() noexcept { return local_; }
    /// Adds or updates the place of an agent.
    void set_agent(node_id agent, std::uint32_t workers, std::uint32_t credit);
    /// The agent receives no more calls.
    void remove_agent(node_id agent);
    void remove_agents();
    [[nodiscard]] std::size_t agents() const noexcept { return agents_.size(); }
    [[nodiscard]] std::size_t workers() const noexcept { return remote_workers_ + local_.workers; }

    // Calls.

    /// A new call, which waits. @param first  before others of its priority
    placed_call& add(portable_call& call, int retries, bool first = false);
    [[nodiscard]] placed_call* find(call_number number) noexcept;
    /// Assigns the next waiting call to a place with room. @return null if there is no such call or place
    [[nodiscard]] placed_call* place_next() noexcept;
    /// The call waits again, before others of its priority.
    void wait_again(placed_call& c) noexcept;
    void erase(placed_call& c) noexcept;
    [[nodiscard]] std::size_t waiting() const noexcept { return waiting_count_; }
    /// The waiting calls that `max_pending` counts.
    [[nodiscard]] std::size_t pending() const noexcept { return waiting_count_ - windowed_count_; }
    [[nodiscard]] std::size_t size() const noexcept { return calls_.size(); }
    [[nodiscard]] bool empty() const noexcept { return calls_.empty(); }
    /// The numbers of all calls, in the order of submission.
    [[nodiscard]] std::vector<call_number> numbers() const;

private:
    using call_list = intrusive_list<placed_call, &placed_call::links>;

    [[nodiscard]] place* freest() noexcept;
    void update_shared() noexcept;
    void leave(placed_call& c) noexcept;
    void enqueue(placed_call& c, bool first) noexcept;

    const bool shared_queue_;
    place local_{};
    place shared_{};
    std::map<node_id, place> agents_;
    std::size_t remote_workers_ = 0;
    std::unordered_map<call_number, placed_call> calls_;
    call_number last_number_;
    std::map<int, call_list, std::greater<>> waiting_;  // by priority
    std::size_t waiting_count_ = 0;
    std::size_t windowed_count_ = 0;  // waiting calls of maps, which `max_pending` does not count
};

}  // namespace cadre::detail::node
