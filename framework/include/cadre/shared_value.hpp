/// @file
/// `shared_value<T>`: a value in memory that all tasks share, on threads and in worker processes.
///
///     cadre::shared_value<std::uint64_t> done{ex, 0};
///     co_await cadre::map(ex, cadre::bind_portable(work_and_count, done), items);   // each calls done.fetch_add(1)
///     std::cout << done.load() << '\n';
#pragma once

#include <algorithm>
#include <atomic>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

#include <cadre/detail/base/refuse_others.hpp>
#include <cadre/detail/codec/convert_argument.hpp>
#include <cadre/detail/state/block_operation.hpp>
#include <cadre/detail/state/cell_guard.hpp>
#include <cadre/detail/state/cell_types.hpp>
#include <cadre/detail/state/lock_operation.hpp>
#include <cadre/detail/state/state_objects.hpp>
#include <cadre/detail/state/value_operation.hpp>
#include <cadre/executor.hpp>

namespace cadre {

/// A value in the memory domain of an executor. All copies of the handle, also those in worker processes, refer to the
/// same value. `T` is trivially copyable and contains no pointers, references or views.
///
/// Two ways of access. Where the hardware has lock-free atomics for `T`: `load`, `store`, `exchange`, … at any time,
/// sequentially consistent unless an order is given. For every `T`: `get`, `set`, `update` and `lock`, which wait for
/// the value's lock and exclude each other. The atomic members do not take the lock: writing through a guard while
/// other tasks use them is a data race.
///
/// In workers of an executor of several hosts the value is in the program's process. Each operation is one round trip
/// there, for which the atomic members block the worker's loop; `update` needs one more where they exist. They throw
/// executor_stopped if the program has gone, std::bad_alloc if it has no memory for the request; elsewhere they throw
/// nothing. A guard has a copy of the value, which is written back when it unlocks.
///
/// All members are thread-safe. The awaitables hold no thread, are served in the order of arrival within a process and
/// resume at home. A stop request ends a wait with `cancelled`; after the executor has shut down they throw
/// `executor_stopped`. The memory stays valid as long as a handle exists.
template <class T>
class shared_value {
public:
    using value_type = T;
    using guard = detail::value_guard<T>;
    static constexpr bool cadre_portable_handle = true;

    /// A move copies: the handle that was moved from stays usable.
    shared_value(const shared_value&) = default;
    shared_value& operator=(const shared_value&) = default;

    /// A value-initialised `T` in the domain of `ex`.
    /// @throws not_portable if `ex` has no memory domain, executor_stopped after its shutdown, std::bad_alloc
    explicit shared_value(const executor& ex) : shared_value(ex, T{}) {}
    template <class U = T>
    shared_value(const executor& ex, U&& initial) {
        detail::require_shareable<T>();
        static_assert(std::is_convertible_v<U&&, T>, "cadre::shared_value<T>: the initial value does not convert to T");
        if constexpr (detail::shareable<T> && std::is_convertible_v<U&&, T>) {
            block_ = detail::domain_of(ex).make_cell(sizeof(cell), std::max(alignof(cell), detail::cell_alignment));
            cell_ =
                new (block_->data()) cell{.held = {static_cast<T>(fitting(std::forward<U>(initial)))}, .damaged = 0};
            elsewhere_ = block_->elsewhere();
            detail::require_alive(block_->write_back());
        }
    }

    // clang-format off
    [[nodiscard]] T load(std::memory_order order = std::memory_order_seq_cst) const
        requires detail::lock_free<T>
    {
        if (elsewhere_) [[unlikely]] return detail::load_elsewhere<T>(*block_);
        return cell_->atomic().load(order).value;
    }
    /// @throws std::range_error if an integer does not fit `T`, as the other members do that write a value
    template <std::convertible_to<T> U = T>
    void store(U x, std::memory_order order = std::memory_order_seq_cst) const
        requires detail::lock_free<T>
    {
        const T value = static_cast<T>(fitting(x));
        if (elsewhere_) [[unlikely]]
            access_elsewhere<access::store>(value);
        else
            cell_->atomic().store({value}, order);
    }
    /// Writes `x`; returns the previous value.
    template <std::convertible_to<T> U = T>
    T exchange(U x, std::memory_order order = std::memory_order_seq_cst) const
        requires detail::lock_free<T>
    {
        const T value = static_cast<T>(fitting(x));
        if (elsewhere_) [[unlikely]] return access_elsewhere<access::exchange>(value);
        return cell_->atomic().exchange({value}, order).value;
    }
    /// Writes `desired` if the value is `expected`, byte for byte; else reads it into `expected`.
    template <std::convertible_to<T> U = T>
    bool compare_exchange(T& expected, U desired, std::memory_order order = std::memory_order_seq_cst) const
        requires detail::lock_free<T>
    {
        const T value = static_cast<T>(fitting(desired));
        if (elsewhere_) [[unlikely]] return detail::compare_exchange_elsewhere(*block_, expected, value);
        detail::whole<T> seen{expected};
        const bool written = cell_->atomic().compare_exchange_strong(seen, {value}, order);
        if (!written) expected = seen.value;
        return written;
    }
    /// Adds `n`; returns the previous value. Integers wrap.
    T fetch_add(T n, std::memory_order order = std::memory_order_seq_cst) const
        requires detail::addable<T>
    {
        if (elsewhere_) [[unlikely]] return access_elsewhere<access::add>(n);
        return number().fetch_add(n, order);
    }
    T fetch_sub(T n, std::memory_order order = std::memory_order_seq_cst) const
        requires detail::addable<T>
    {
        if (elsewhere_) [[unlikely]] return access_elsewhere<access::subtract>(n);
        return number().fetch_sub(n, order);
    }
    T fetch_and(T n, std::memory_order order = std::memory_order_seq_cst) const
        requires detail::maskable<T>
    {
        if (elsewhere_) [[unlikely]] return access_elsewhere<access::mask>(n);
        return number().fetch_and(n, order);
    }
    T fetch_or(T n, std::memory_order order = std::memory_order_seq_cst) const
        requires detail::maskable<T>
    {
        if (elsewhere_) [[unlikely]] return access_elsewhere<access::set_bits>(n);
        return number().fetch_or(n, order);
    }
    T fetch_xor(T n, std::memory_order order = std::memory_order_seq_cst) const
        requires detail::maskable<T>
    {
        if (elsewhere_) [[unlikely]] return access_elsewhere<access::flip>(n);
        return number().fetch_xor(n, order);
    }
    // clang-format on

    CADRE_REFUSE_OTHER_MEMBERS(
        load, "cadre::shared_value<T>::load takes at most an order, and T must have lock-free atomics; for "
              "any T: get, set, update, lock");

    CADRE_REFUSE_OTHER_MEMBERS(
        store, "cadre::shared_value<T>::store takes a value that converts to T, and T must have lock-free atomics; for "
               "any T: get, set, update, lock");

    CADRE_REFUSE_OTHER_MEMBERS(
        exchange,
        "cadre::shared_value<T>::exchange takes a value that converts to T, and T must have lock-free atomics; for "
        "any T: get, set, update, lock");

    CADRE_REFUSE_OTHER_MEMBERS(compare_exchange, "cadre::shared_value<T>::compare_exchange takes a T& and a value that "
                                                 "converts to T, and T must have lock-free atomics; for "
                                                 "any T: get, set, update, lock");
    CADRE_REFUSE_OTHER_MEMBERS(fetch_add, "cadre::shared_value<T>::fetch_add takes a number to add, and T must be an "
                                          "arithmetic type with lock-free atomics; for any T: update, lock");
    CADRE_REFUSE_OTHER_MEMBERS(fetch_sub, "cadre::shared_value<T>::fetch_sub takes a number to subtract, and T must be "
                                          "an arithmetic type with lock-free atomics; for any T: update, lock");
    CADRE_REFUSE_OTHER_MEMBERS(fetch_and, "cadre::shared_value<T>::fetch_and takes a mask, and T must be an integer "
                                          "with lock-free atomics; for any T: update, lock");
    CADRE_REFUSE_OTHER_MEMBERS(fetch_or, "cadre::shared_value<T>::fetch_or takes a mask, and T must be an integer with "
                                         "lock-free atomics; for any T: update, lock");
    CADRE_REFUSE_OTHER_MEMBERS(fetch_xor, "cadre::shared_value<T>::fetch_xor takes a mask, and T must be an integer "
                                          "with lock-free atomics; for any T: update, lock");

    /// Completes when the value is not `old`, byte for byte: immediately, or after a change that `notify_one` or
    /// `notify_all` has announced. Stop: completes if the value has changed; a wait ends with `cancelled`.
    [[nodiscard]] auto wait(T old) const
        requires detail::lock_free<T>
    {
        return detail::block_operation<detail::value_change<T>>(block_, {{old}});
    }
    /// After a change: at least one of the waits for it completes.
    void notify_one() const noexcept { block_->notify(); }
    /// After a change: all waits for it complete, in every process. A waiter that sees `old` again continues to wait.
    void notify_all() const noexcept { block_->notify(); }

    /// Completes with a copy of the value.
    [[nodiscard]] auto get() const {
        return locked([self = cell_](detail::held_lock lock) {
            self->note_death(lock);
            return self->read();
        });
    }
    /// Completes when `x` has been written. @throws std::range_error immediately if an integer does not fit `T`
    template <std::convertible_to<T> U = T>
    [[nodiscard]] auto set(U x) const {
        return locked([self = cell_, elsewhere = elsewhere_ ? block_.get() : nullptr,
                       value = static_cast<T>(fitting(x))](const detail::held_lock&) {
            if constexpr (detail::lock_free<T>)
                if (elsewhere != nullptr)
                    detail::store_elsewhere(*elsewhere, value);
                else
                    self->write(value);
            else
                self->write(value);
            self->damaged = 0;
        });
    }
    CADRE_REFUSE_OTHER_MEMBERS(set, "cadre::shared_value<T>::set takes a value that converts to T");
    /// Read-modify-write: replaces the value `v` by `f(v)` and completes with the new value. `f` runs under the lock,
    /// so it should be short, and may run more than once, because an atomic member may change the value meanwhile.
    template <class F>
        requires std::is_invocable_r_v<T, F&, T>
    [[nodiscard]] auto update(F f) const {
        return locked([self = cell_, elsewhere = elsewhere_ ? block_.get() : nullptr,
                       f = std::move(f)](detail::held_lock lock) mutable {
            self->note_death(lock);
            if constexpr (detail::lock_free<T>)
                if (elsewhere != nullptr) return detail::modify_elsewhere(*elsewhere, self->held.value, f);
            return self->modify(f);
        });
    }
    /// The same for a function that changes the value in place: `f(v)` with an lvalue.
    template <class F>
        requires(!std::is_invocable_r_v<T, F&, T> && std::is_void_v<std::invoke_result_t<F&, T&>>)
    [[nodiscard]] auto update(F f) const {
        return update([f = std::move(f)](T value) mutable {
            f(value);
            return value;
        });
    }
    CADRE_REFUSE_OTHER_MEMBERS(update, "cadre::shared_value<T>::update takes a function that takes a T and returns the "
                                       "new one, or changes a T&");
    /// Completes with a guard: `*guard` is the value, and the lock is held until the guard goes out of scope.
    [[nodiscard]] auto lock() const {
        return locked([self = cell_, block = block_](detail::held_lock lock) mutable {
            self->note_death(lock);
            const bool damaged = std::exchange(self->damaged, 0u) != 0;
            return guard(std::move(block), std::move(lock), &self->held.value, damaged);
        });
    }

    void encode_handle(detail::encoder& out) const { block_->encode(out); }
    static shared_value decode_handle(detail::decoder& in) {
        return shared_value(detail::checked_block(detail::domain_of(in).take_cell(in), sizeof(cell), alignof(cell)));
    }

    /// Whether both handles refer to the same value.
    friend bool operator==(const shared_value& a, const shared_value& b) noexcept { return a.cell_ == b.cell_; }

private:
    using cell = detail::value_cell<T>;

    using access = detail::value_access;

    template <class U>
    static constexpr U&& fitting(U&& value) {
        return detail::fitting_value<T, U>(std::forward<U>(value), "the type of the shared value");
    }

    explicit shared_value(std::shared_ptr<detail::shared_block> block) noexcept
        : block_(std::move(block)), cell_(std::launder(reinterpret_cast<cell*>(block_->data()))),
          elsewhere_(block_->elsewhere()) {}

    template <access Access>
    T access_elsewhere(const T& operand) const {
        return detail::access_elsewhere<Access>(*block_, operand);
    }
    [[nodiscard]] std::atomic_ref<T> number() const noexcept { return std::atomic_ref<T>(cell_->held.value); }
    template <class Then>
    [[nodiscard]] detail::lock_operation<Then> locked(Then then) const {
        return {block_->lock(), std::move(then)};
    }

    std::shared_ptr<detail::shared_block> block_;
    cell* cell_ = nullptr;  // the memory, or a copy: see shared_block::elsewhere
    bool elsewhere_ = false;
};

/// Refuses references and `void` by a sentence.
template <class T>
    requires(!std::is_object_v<T>)
class shared_value<T> {
public:
    template <class... Args>
    explicit shared_value(const executor&, Args&&...) {
        static_assert(std::is_object_v<T>, "cadre::shared_value<T>: T must be a value, no reference, function or void");
    }
};

}  // namespace cadre
