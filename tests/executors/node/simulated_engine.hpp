/// @file
/// An engine in one process, for tests: messages with seeded delays, and one fault at a chosen message.
#pragma once

#include "node/node_link.hpp"

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace simulated {

namespace node = cadre::detail::node;
using cadre::detail::byte_buffer;

enum class fault : std::uint8_t {
    none,
    cut,      ///< an agent loses the engine, and joins again later
    kill,     ///< an agent is never heard of again
    restart,  ///< the engine loses everything, and all join again
};

struct engine_options {
    std::uint64_t seed = 1;
    bool redelivers = true;
    fault what = fault::none;
    std::uint64_t at_message = 0;  ///< the fault comes before this message is delivered
    std::chrono::microseconds longest_delay{100};
};

/// One thread delivers all messages, in order between two ends. Messages that a lost agent has not acknowledged come
/// back.
class engine : public std::enable_shared_from_this<engine> {
public:
    explicit engine(const engine_options& options);
    engine(const engine&) = delete;
    engine& operator=(const engine&) = delete;
    ~engine();

    [[nodiscard]] std::unique_ptr<node::node_link> program_link();
    [[nodiscard]] std::unique_ptr<node::node_link> agent_link();

    /// Ends of calls that were handed to an agent, by `portable_call::id`.
    [[nodiscard]] bool was_handed_over(std::uint64_t call_id);
    [[nodiscard]] bool restarted();
    [[nodiscard]] std::uint64_t messages();
    /// Strikes now. @return false if no agent is there that it could meet
    bool strike(fault what);

private:
    class link;
    using clock = std::chrono::steady_clock;
    struct end {
        node::node_link_events* events = nullptr;  // null: not started, or stopped
        byte_buffer hello{};
        node::node_id id = 0;
        bool is_program = false;
        bool joined = false;
        bool dead = false;
        std::uint32_t credit = 0;
        std::map<std::uint64_t, byte_buffer> held{};  // unacknowledged, by tag
    };
    struct waiting_work {
        byte_buffer body;
        bool redelivered;
    };
    struct message {
        end* from;  // null: the engine
        node::node_id from_id;
        std::function<void()> deliver;  // with `mutex_` held; gets `events` from there
    };

    void run();
    void after(end* from, end* to, std::function<void()> deliver);
    template <class F>
    void report(end& to, F event);  // releases the mutex meanwhile
    void join(end& agent);
    void leave(end& agent, bool by_fault);
    void hand_out();
    void publish(end& from, node::target to, node::node_id agent, byte_buffer body);
    [[nodiscard]] end* program();
    [[nodiscard]] end* find(node::node_id id);
    bool strike_locked(fault what);
    void note_hand_over(const byte_buffer& body);

    const engine_options options_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::mt19937_64 random_;
    std::vector<std::unique_ptr<end>> ends_;
    std::deque<waiting_work> work_;
    std::multimap<clock::time_point, message> transit_;
    std::map<std::pair<end*, end*>, clock::time_point> last_;
    std::set<std::uint64_t> handed_over_;
    std::uint64_t last_tag_ = 0;
    std::uint64_t messages_ = 0;
    node::node_id last_id_ = 0;
    bool restarted_ = false;
    bool struck_ = false;
    bool ends_now_ = false;
    end* reporting_ = nullptr;
    std::thread::id dispatcher_;
    std::thread thread_;
};

}  // namespace simulated
