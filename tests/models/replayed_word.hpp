// Runs the real code of an algorithm in a model, one access to shared memory a step.
#pragma once

#include <setjmp.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "shm/identity.hpp"

namespace models {

/// Numbers the values that words have, so that states are small. Zero has the number 0.
class value_numbers {
public:
    static std::uint16_t of(std::uint64_t value) {
        const auto [at, is_new] = numbers().try_emplace(value, static_cast<std::uint16_t>(values().size()));
        if (is_new) {
            if (values().size() > UINT16_MAX) throw std::string("too many values");
            values().push_back(value);
        }
        return at->second;
    }
    static std::uint64_t value(std::uint16_t number) { return values()[number]; }

private:
    static std::vector<std::uint64_t>& values() {
        static std::vector<std::uint64_t> all{0};
        return all;
    }
    static std::unordered_map<std::uint64_t, std::uint16_t>& numbers() {
        static std::unordered_map<std::uint64_t, std::uint16_t> all{{0, 0}};
        return all;
    }
};

/// The values that the accesses of a process's current operation have read, as the number of this sequence. Zero is the
/// empty one. A model keeps one for each process.
using history = std::uint32_t;

/// One operation, run again from its start for each step: accesses of earlier steps give the values of the history, one
/// new access is executed, and the next one, if there is any, leaves the operation.
class execution {
public:
    static constexpr unsigned max_accesses = 48;

    explicit execution(history h) noexcept : depth_(sequences()[h].length), read_(depth_) {
        for (; h != 0; h = sequences()[h].before)
            values_[sequences()[h].length - 1] = sequences()[h].value;
        current_ = this;
    }
    ~execution() { current_ = nullptr; }
    execution(const execution&) = delete;
    execution& operator=(const execution&) = delete;

    static execution* current() noexcept { return current_; }
    jmp_buf& left() noexcept { return left_; }

    /// The value of an access: `execute()` returns the one before it.
    template <class F>
    std::uint64_t access(F execute) noexcept {
        if (next_ < read_) return values_[next_++];
        if (executed_ || read_ == max_accesses) _longjmp(left_, 1);
        executed_ = true;
        ++next_;
        return values_[read_++] = execute();
    }
    /// The head of a loop that keeps nothing of its earlier rounds: their accesses are forgotten.
    void retry(bool search) noexcept {
        std::optional<unsigned>& head = search ? search_ : loop_;
        if (!head) head = next_;
        if (next_ == read_) next_ = read_ = *head;
    }
    /// The number of the accesses so far, at the end of the step.
    [[nodiscard]] history save() const {
        if (!executed_) throw std::string("an operation with too many accesses");
        history h = 0;
        for (unsigned i = 0; i != read_; ++i)
            h = after(h, values_[i]);
        return h;
    }

private:
    struct sequence {
        history before;
        unsigned length;
        std::uint64_t value;
    };
    static std::vector<sequence>& sequences() {
        static std::vector<sequence> all{{0, 0, 0}};
        return all;
    }
    static history after(history h, std::uint64_t value) {
        static std::unordered_map<std::uint64_t, history> all;
        const std::uint64_t key = (std::uint64_t{h} << 16) | value_numbers::of(value);
        const auto [at, is_new] = all.try_emplace(key, static_cast<history>(sequences().size()));
        if (is_new) sequences().push_back({h, sequences()[h].length + 1, value});
        return at->second;
    }

    static inline thread_local execution* current_ = nullptr;
    std::array<std::uint64_t, max_accesses> values_;
    unsigned depth_;
    unsigned read_;
    unsigned next_ = 0;
    std::optional<unsigned> loop_, search_;  // the accesses before the first round
    bool executed_ = false;
    jmp_buf left_;
};

/// Replaces `std::atomic<std::uint64_t>` in the code of an algorithm. Outside of an execution its accesses are
/// immediate, and so are those of a constant word.
class replayed_word {
public:
    replayed_word() = default;
    explicit replayed_word(std::uint64_t value, bool constant = false) noexcept : value_(value), constant_(constant) {}

    [[nodiscard]] std::uint64_t load(std::memory_order = std::memory_order_seq_cst) const noexcept {
        return access([&] { return value_; });
    }
    void store(std::uint64_t value, std::memory_order = std::memory_order_seq_cst) noexcept {
        access([&] {
            value_ = value;
            return std::uint64_t{0};
        });
    }
    std::uint64_t exchange(std::uint64_t value) noexcept {
        return update([&](std::uint64_t) { return value; });
    }
    std::uint64_t fetch_add(std::uint64_t n) noexcept {
        return update([&](std::uint64_t old) { return old + n; });
    }
    std::uint64_t fetch_sub(std::uint64_t n) noexcept {
        return update([&](std::uint64_t old) { return old - n; });
    }
    std::uint64_t fetch_or(std::uint64_t bits) noexcept {
        return update([&](std::uint64_t old) { return old | bits; });
    }
    std::uint64_t fetch_and(std::uint64_t bits) noexcept {
        return update([&](std::uint64_t old) { return old & bits; });
    }
    bool compare_exchange_strong(std::uint64_t& expected, std::uint64_t desired,
                                 std::memory_order = std::memory_order_seq_cst) noexcept {
        const std::uint64_t before = update([&](std::uint64_t old) { return old == expected ? desired : old; });
        if (before == expected) return true;
        expected = before;
        return false;
    }
    bool compare_exchange_weak(std::uint64_t& expected, std::uint64_t desired) noexcept {
        return compare_exchange_strong(expected, desired);
    }

private:
    template <class F>
    std::uint64_t access(F execute) const noexcept {
        execution* const e = execution::current();
        return e == nullptr || constant_ ? execute() : e->access(execute);
    }
    template <class F>
    std::uint64_t update(F changed) noexcept {
        return access([&] {
            const std::uint64_t old = value_;
            value_ = changed(old);
            return old;
        });
    }

    std::uint64_t value_;
    bool constant_;
};

/// Replaces the probe of an algorithm.
struct replay_probe {
    static void at(cadre::detail::shm::step s) noexcept {
        using cadre::detail::shm::step;
        if (execution* const e = execution::current(); e != nullptr && (s == step::retry || s == step::retry_search))
            e->retry(s == step::retry_search);
    }
};

/// Executes the next access of `operation()`, whose only variables with destructors are its caller's.
/// @return its result when it is complete, else empty
template <class Operation>
auto run_step(history& log, Operation operation) -> std::optional<decltype(operation())> {
    execution e(log);
    if (_setjmp(e.left()) != 0) {  // the operation continues in the next step
        log = e.save();
        return std::nullopt;
    }
    const auto result = operation();
    log = 0;
    return result;
}

/// The same for an operation on the word whose value has this number.
template <class Operation>
auto run_step_on(std::uint16_t& number, history& log, Operation operation) {
    replayed_word word(value_numbers::value(number));
    const auto result = run_step(log, [&] { return operation(word); });
    number = value_numbers::of(word.load());
    return result;
}

}  // namespace models
