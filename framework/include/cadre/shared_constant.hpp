/// @file
/// `shared_constant<T>`: a large value that many calls read. It is sent to the worker processes once, not with
/// each call.
///
///     double score(cadre::shared_constant<std::vector<double>> weights, int item) { return (*weights)[0] * item; }
///
///     cadre::shared_constant<std::vector<double>> weights{ex, std::vector<double>(1'000'000, 0.5)};
///     auto scores = co_await cadre::map(ex, cadre::bind_portable(score, weights), items);
#pragma once

#include <memory>
#include <type_traits>
#include <typeinfo>
#include <utility>

#include <cadre/detail/codec/convert_argument.hpp>
#include <cadre/detail/state/constant_value.hpp>
#include <cadre/detail/state/memory_domain.hpp>
#include <cadre/detail/state/state_objects.hpp>
#include <cadre/executor.hpp>
#include <cadre/portable.hpp>

namespace cadre {

/// A value that does not change, in the memory domain of an executor. All copies of the handle, also those in worker
/// processes, are the same constant. `T` is portable and contains no handles of this library and no file descriptors.
///
/// On a local executor the handle owns the value as a `std::shared_ptr` does. On a process executor the value is
/// encoded once, when the constant is made, into memory that the processes share; each worker decodes it at most once,
/// when it first reads it, and keeps it between calls. So the constant takes its encoded size once, and the size of a
/// `T` in the process that made it and in each worker that has read it. The encoded bytes are freed with the last
/// handle in any process. A process that has decoded its `T` keeps it a little longer: when another constant arrives,
/// it frees the values of constants that no longer exist.
///
/// A constant made for a process executor works in every process of the program, also if a worker made it and has died.
/// One made for a local executor works on every local executor; sending its handle to another process gives
/// `not_portable`. It can be read after its executor has shut down. All members are thread-safe.
template <class T>
class shared_constant {
public:
    using value_type = T;
    static constexpr bool cadre_portable_handle = true;

    /// A move copies: the handle that was moved from stays usable.
    shared_constant(const shared_constant&) = default;
    shared_constant& operator=(const shared_constant&) = default;

    /// Cost on a process executor: the value is encoded, and copied once.
    /// @throws std::range_error if an integer does not fit `T`; not_portable if `ex` has no memory domain, or a class
    ///         with `serialize` contains a handle; executor_stopped after the shutdown of `ex`; std::bad_alloc
    template <class U = T>
        requires std::is_convertible_v<U&&, T>
    shared_constant(const executor& ex, U&& value)
        : value_(std::make_shared<detail::constant_value<T>>(
              std::in_place, detail::fitting_value<T, U>(std::forward<U>(value), "the type of the shared constant"))) {
        static_assert(std::is_same_v<T, std::decay_t<T>>, "cadre::shared_constant<T>: T must be a plain value type");
        using checked = detail::portability_of<T>;
#include <cadre/detail/codec/refusals.def>
        if constexpr (portable<T>) {
            static_assert(
                !detail::contains_handles<T>,
                "cadre::shared_constant<T>: T must not contain handles of this library (channels, cells, locks, "
                "executors, other constants) or file descriptors: pass them beside the constant");
            detail::memory_domain& domain = detail::domain_of(ex);
            if (domain.local_objects() != nullptr) {
                block_ = domain.make_block(0, 1);  // refused after the shutdown, as other objects are
            } else {
                block_ = detail::encode_constant<T>(domain, value_->given());
                detail::add_constant_value(*block_, typeid(T), value_);
            }
        }
    }

    /// The value; valid as long as a handle to the constant exists in this process. Cost: a worker decodes it the first
    /// time, and blocks for that time; else a load.
    /// @throws in a process that decodes it: std::bad_alloc; an error if another process has damaged the shared memory
    [[nodiscard]] const T& operator*() const { return value_->get(*block_); }
    [[nodiscard]] const T* operator->() const { return std::addressof(**this); }

    void encode_handle(detail::encoder& out) const { block_->encode(out); }
    static shared_constant decode_handle(detail::decoder& in) {
        return shared_constant(detail::domain_of(in).take_block(in));
    }

    /// Whether both handles refer to the same constant.
    friend bool operator==(const shared_constant& a, const shared_constant& b) noexcept { return a.value_ == b.value_; }

private:
    explicit shared_constant(std::shared_ptr<detail::shared_block> block)
        : block_(std::move(block)), value_(std::static_pointer_cast<detail::constant_value<T>>(
                                        detail::find_constant_value(*block_, typeid(T), []() -> std::shared_ptr<void> {
                                            return std::make_shared<detail::constant_value<T>>();
                                        }))) {}

    std::shared_ptr<detail::shared_block> block_;  // the encoded value; without bytes on a local executor
    std::shared_ptr<detail::constant_value<T>> value_;
};

template <class U>
shared_constant(const executor&, U&&) -> shared_constant<std::decay_t<U>>;

}  // namespace cadre
