/// @file
/// The number of workers of an executor and their CPUs.
///
///     cadre::thread_executor one_per_core;                                  // default_concurrency() workers
///     cadre::thread_executor pinned{{.workers = 2, .affinity = {0, 1}}};    // worker 0 on CPU 0, worker 1 on CPU 1
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <utility>

namespace cadre {

/// A number of workers. Converts from every integer: an executor's constructor reports a negative or excessive number
/// as a `config_error`. Default: one worker per core that this process may use.
class worker_count {
public:
    constexpr worker_count() noexcept = default;
    template <std::integral Int>
    constexpr worker_count(Int n) noexcept
        : value_(std::cmp_greater(n, max) ? max
                 : std::cmp_less(n, min)  ? min
                                          : static_cast<int>(n)) {}

    [[nodiscard]] constexpr bool is_default() const noexcept { return value_ == unset; }
    /// The number of workers; unspecified if `is_default()`.
    [[nodiscard]] constexpr int value() const noexcept { return value_; }

    friend constexpr bool operator==(worker_count, worker_count) noexcept = default;

private:
    static constexpr int unset = std::numeric_limits<int>::min();
    static constexpr int min = unset + 1;
    static constexpr int max = std::numeric_limits<int>::max();
    int value_ = unset;
};

/// The default: one worker per core that this process may use.
inline constexpr worker_count default_workers{};

/// The CPUs to pin workers to: worker `i` runs on the `i`-th of them in ascending order, round robin. Empty: not
/// pinned.
class cpu_list {
public:
    static constexpr std::size_t limit = 1024;

    cpu_list() noexcept = default;
    /// @throws config_error if a CPU is negative or not below `limit`
    cpu_list(std::initializer_list<int> cpus) {
        for (const int cpu : cpus)
            add(cpu);
    }

    /// @throws config_error if `cpu` is negative or not below `limit`
    void add(int cpu);
    [[nodiscard]] bool empty() const noexcept { return size() == 0; }
    [[nodiscard]] std::size_t size() const noexcept;
    [[nodiscard]] bool contains(int cpu) const noexcept {
        return std::cmp_greater_equal(cpu, 0) && std::cmp_less(cpu, limit) && (cpus_[cpu / 64] >> (cpu % 64) & 1) != 0;
    }
    /// The CPU of worker `worker`; -1 if it is not pinned.
    [[nodiscard]] int cpu_of(std::size_t worker) const noexcept;

    friend bool operator==(const cpu_list&, const cpu_list&) noexcept = default;

private:
    std::uint64_t cpus_[limit / 64]{};
};

/// The number of cores that this process may use: the size of the affinity mask, limited by the cgroup CPU quota
/// (rounded up). At least 1.
[[nodiscard]] int default_concurrency() noexcept;

namespace detail {

/// The number of workers to start. @throws config_error if an explicit number is zero, negative or beyond 4096
[[nodiscard]] int resolve_workers(worker_count workers);

}  // namespace detail
}  // namespace cadre
