/// @file
/// Which consumers an agent has on the queue `work`, so that it holds as many messages as its credit allows.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

namespace cadre::detail::amqp {

/// A consumer's prefetch count cannot be changed, and a cancelled consumer's messages stay held until they are acknowledged. So more
/// credit is one more consumer, and less credit cancels the youngest ones. One thread.
class work_consumers {
public:
    using clock = std::chrono::steady_clock;
    static constexpr std::uint32_t max_credit = 65'535;  // a prefetch count has 16 bits

    struct change {
        bool cancel = false;  ///< else: begin to consume
        std::uint64_t consumer = 0;
        std::uint16_t prefetch = 0;
        bool operator==(const change&) const = default;
    };

    /// A change is carried out by the caller, then the next one is asked for, until there is none.
    [[nodiscard]] std::optional<change> next_change(std::uint32_t credit);

    void delivered(std::uint64_t consumer, std::uint64_t tag, clock::time_point now);
    /// The work of a delivery has ended. @return whether it is to be acknowledged
    [[nodiscard]] bool ended(std::uint64_t tag);
    /// A delivery that was held since before `since`, which is to be acknowledged now although its work goes on.
    [[nodiscard]] std::optional<std::uint64_t> take_older_than(clock::time_point since);
    /// One of the consumers that are not cancelled, to be cancelled.
    [[nodiscard]] std::optional<std::uint64_t> take_consumer();
    /// Forgets everything. @return the deliveries that were not acknowledged
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
    // What is held beside the prefetch counts of the consumers that are not cancelled.
    [[nodiscard]] std::uint32_t held_beside() const noexcept;
    void release(std::uint64_t number) noexcept;

    std::vector<consumer> consumers_;
    std::map<std::uint64_t, held_delivery> held_;  // by tag, which grows with time
    std::uint32_t acknowledged_early_ = 0;
    std::uint64_t next_number_ = 1;
};

}  // namespace cadre::detail::amqp
