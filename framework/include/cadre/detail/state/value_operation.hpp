/// @file
/// The atomic operations of a shared value, by name, for values whose bytes are in another process.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <type_traits>

#include <cadre/detail/coroutine/waiter.hpp>
#include <cadre/detail/state/cell_guard.hpp>
#include <cadre/detail/state/cell_operation.hpp>
#include <cadre/detail/state/cell_types.hpp>

namespace cadre::detail {

template <class T>
[[nodiscard]] value_cell<T>& value_cell_of(shared_block& block) noexcept {
    return *std::launder(reinterpret_cast<value_cell<T>*>(block.data()));
}

enum class value_access : std::uint8_t { load, store, exchange, compare_exchange, add, subtract, mask, set_bits, flip };

/// `value` is the operand, then the result: the value before the operation.
template <lock_free T, value_access Access>
struct value_operation {
    static constexpr std::size_t block_size = sizeof(value_cell<T>);

    [[nodiscard]] op_status check(shared_block& block) noexcept {
        const auto whole_value = value_cell_of<T>(block).atomic();
        if constexpr (Access == value_access::load)
            value = whole_value.load();
        else if constexpr (Access == value_access::store)
            whole_value.store(value);
        else if constexpr (Access == value_access::exchange)
            value = whole_value.exchange(value);
        else if constexpr (Access == value_access::compare_exchange)
            written = whole_value.compare_exchange_strong(expected, value) ? 1 : 0;
        else
            value.value = change(std::atomic_ref<T>(value_cell_of<T>(block).held.value));
        return op_status::done;
    }

    whole<T> value;
    whole<T> expected;  // of compare_exchange; then what was seen
    std::uint8_t written;

private:
    [[nodiscard]] T change(std::atomic_ref<T> number) const noexcept {
        if constexpr (Access == value_access::add)
            return number.fetch_add(value.value);
        else if constexpr (Access == value_access::subtract)
            return number.fetch_sub(value.value);
        else if constexpr (Access == value_access::mask)
            return number.fetch_and(value.value);
        else if constexpr (Access == value_access::set_bits)
            return number.fetch_or(value.value);
        else
            return number.fetch_xor(value.value);
    }
};

/// @throws executor_stopped, std::bad_alloc
template <class T>
T load_elsewhere(shared_block& block) {
    const T none = std::bit_cast<T>(std::array<std::byte, sizeof(T)>{});
    const value_operation<T, value_access::load> operation{.value = {none}, .expected = {none}, .written = 0};
    return perform_cell(block, operation).value.value;
}

/// Performs it on a value whose bytes are elsewhere. @throws executor_stopped, std::bad_alloc
template <value_access Access, class T>
T access_elsewhere(shared_block& block, const T& operand) {
    const value_operation<T, Access> operation{.value = {operand}, .expected = {operand}, .written = 0};
    return perform_cell(block, operation).value.value;
}

/// @return whether `desired` was written; else `expected` is what was seen
template <class T>
bool compare_exchange_elsewhere(shared_block& block, T& expected, const T& desired) {
    using operation = value_operation<T, value_access::compare_exchange>;
    const operation performed =
        perform_cell(block, operation{.value = {desired}, .expected = {expected}, .written = 0});
    if (performed.written == 0) expected = performed.expected.value;
    return performed.written != 0;
}

/// With the lock held: the store precedes the release of the lock.
template <class T>
void store_elsewhere(shared_block& block, const T& value) noexcept {
    perform_cell_later(block,
                       value_operation<T, value_access::store>{.value = {value}, .expected = {value}, .written = 0});
}

/// Replaces the value, which was `seen`, by `f` of it. @return the new value
template <class T, class F>
T modify_elsewhere(shared_block& block, const T& seen, F& f) {
    T before = seen;
    for (;;) {
        const T after = f(before);
        if (compare_exchange_elsewhere(block, before, after)) return after;
    }
}

/// The condition of `shared_value::wait`: the value is not `old`, byte for byte.
template <lock_free T>
struct value_change {
    static constexpr bool only_waits = true;
    static constexpr wait_kind waits_for = wait_kind::value;
    static constexpr std::size_t block_size = sizeof(value_cell<T>);
    [[nodiscard]] op_status check(shared_block& block) const noexcept {
        const whole<T> now = value_cell_of<T>(block).atomic().load();
        return std::memcmp(&now, &old, sizeof(T)) != 0 ? op_status::done : op_status::would_block;
    }

    whole<T> old;
};

}  // namespace cadre::detail
