/// @file
/// The consumers of an agent on the queue `work`: they hold as many messages as its credit allows.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

namespace cadre::detail::amqp {

/// The prefetch count of a consumer cannot be changed, and messages of a cancelled consumer are held until they are
/// acknowledged. More credit therefore adds a consumer, and less credit cancels the newest ones. Not thread-safe.
class work_consumers {
public:
    using clock = std::chrono::steady_clock;
    static constexpr std::uint32_t max_credit = 65'535;  // a prefetch count has 16 bits

    struct change {
        bool cancel = false;  ///< true: stop consuming; false: begin to consume
        std::uint64_t consumer = 0;
        std::uint16_t prefetch = 0;
        bool operator==(const change&) const = default;
    };

    /// The next change that the caller has to carry out. Called until it returns no change.
    [[nodiscard]] std::optional<change> next_change(std::uint32_t credit);

    void delivered(std::uint64_t consumer, std::uint64_t tag, clock::time_point now);
    /// Records the end of the work of a delivery. @return whether to acknowledge it
    [[nodiscard]] bool ended(std::uint64_t tag);
    /// A delivery from before `since`, to be acknowledged now although its work continues.
    [[nodiscard]] std::optional<std::uint64_t> take_older_than(clock::time_point since);
    /// A consumer that is not cancelled, to be cancelled.
    [[nodiscard]] std::optional<std::uint64_t> take_consumer();
    /// Removes all consumers and deliveries. @return the deliveries that were not acknowledged
    [[nodiscard]] std::vector<std::uint64_t> forget();

private:
    struct consumer {
        std::uint64_t number = 0;
        std::uint16_t prefetch = 0;
        std::uint32_t held = 0;
        bool cancelled = false;
    };
    struct held_delivery {
        std::uint64_t consumer = 0;
        clock::time_point since{};
        bool acknowledged = false;
    };

    [[nodiscard]] consumer* find(std::uint64_t number) noexcept;
    [[nodiscard]] std::uint32_t active_credit() const noexcept;
    // Messages that are held in addition to the prefetch counts of the active consumers.
    [[nodiscard]] std::uint32_t held_beside() const noexcept;
    void release(std::uint64_t number) noexcept;

    std::vector<consumer> consumers_;
    std::map<std::uint64_t, held_delivery> held_;  // by tag, which grows with time
    std::uint32_t acknowledged_early_ = 0;
    std::uint64_t next_number_ = 1;
};

}  // namespace cadre::detail::amqp
