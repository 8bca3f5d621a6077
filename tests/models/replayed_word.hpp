// Runs the real code of an algorithm in a model, one access to shared memory a step.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

namespace models {

/// The values that the accesses of a process's current operation have read. A model keeps one for each process.
struct access_log {
    static constexpr std::uint16_t capacity = 12;
    std::array<std::uint16_t, capacity> values;
    std::uint16_t size;
};

/// Replaces `std::atomic` in the code of an algorithm. An operation is run again from its start for each step: accesses of
/// earlier steps give the logged values, one new access is executed, and further accesses have no effect and return a value
/// that lets the operation return. Models have words of 16 bits.
class replayed_word {
public:
    replayed_word(std::uint16_t& value, access_log& log) noexcept : value_(value), log_(log) {}

    [[nodiscard]] std::uint64_t load() noexcept {
        return access([&] { return value_; }).value_or(0);
    }
    bool compare_exchange_strong(std::uint64_t& expected, std::uint64_t desired) noexcept {
        const auto before = access([&] {
            const std::uint16_t old = value_;
            if (old == expected) value_ = static_cast<std::uint16_t>(desired);
            return old;
        });
        if (!before || *before == expected) return true;
        expected = *before;
        return false;
    }

    /// Whether the operation has returned without an access beyond the new one: its result is valid.
    [[nodiscard]] bool complete() const noexcept { return !cut_off_; }
    [[nodiscard]] bool log_is_full() const noexcept { return full_; }

private:
    template <class F>
    std::optional<std::uint64_t> access(F execute) noexcept {
        if (next_ < log_.size) return log_.values[next_++];
        if (executed_ || log_.size == access_log::capacity) {
            (executed_ ? cut_off_ : full_) = true;
            return std::nullopt;
        }
        executed_ = true;
        ++next_;
        return log_.values[log_.size++] = execute();
    }

    std::uint16_t& value_;
    access_log& log_;
    std::uint16_t next_ = 0;
    bool executed_ = false;
    bool cut_off_ = false;
    bool full_ = false;
};

/// Executes the next access of `operation(word)`. @return its result when it is complete, else empty
template <class Operation>
auto run_step(std::uint16_t& value, access_log& log, Operation operation)
    -> std::optional<decltype(operation(std::declval<replayed_word&>()))> {
    replayed_word word(value, log);
    const auto result = operation(word);
    if (word.log_is_full()) throw std::string("the log is too short");
    if (!word.complete()) return std::nullopt;
    log = {};
    return result;
}

}  // namespace models
