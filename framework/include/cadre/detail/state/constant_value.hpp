/// @file
/// The value of a shared constant in one process, and its encoded bytes in memory that processes share.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <type_traits>
#include <typeinfo>
#include <utility>

#include <cadre/detail/base/borrowed_run.hpp>
#include <cadre/detail/base/byte_buffer.hpp>
#include <cadre/detail/codec/codec.hpp>
#include <cadre/detail/codec/element_types.hpp>
#include <cadre/detail/codec/fields.hpp>
#include <cadre/detail/codec/portable_kinds.hpp>
#include <cadre/detail/state/memory_domain.hpp>
#include <cadre/unique_fd.hpp>

namespace cadre::detail {

template <class T, class... Seen>
consteval bool find_handles(type_list<Seen...> seen);

template <class... Ts, class... Seen>
consteval bool find_handles_among(type_list<Ts...>, type_list<Seen...> seen) {
    return (find_handles<Ts>(seen) || ...);
}

/// `Seen` lists the enclosing classes: a recursive type ends there.
template <class CvT, class... Seen>
consteval bool find_handles(type_list<Seen...>) {
    using T = std::remove_cv_t<CvT>;
    using seen = type_list<Seen..., T>;
    if constexpr (portable_handle<T> || std::is_same_v<T, unique_fd>)
        return true;
    else if constexpr (!std::is_class_v<T> || (std::is_same_v<T, Seen> || ...))
        return false;
    else if constexpr (has_element_types<T>)
        return find_handles_among(typename element_types_of<T>::type{}, seen{});
    else if constexpr (unique_pointer<T>::value)
        return find_handles<typename unique_pointer<T>::element>(seen{});
    else if constexpr (has_serialize<T> || std::is_empty_v<T> || !std::is_aggregate_v<T>)
        return false;  // a class with `serialize` does not show its members: `store_constant` sees their handles
    else
        return find_handles_among(field_types<T>{}, seen{});
}

/// Whether the values of a portable type contain handles of this library or file descriptors, as far as the type tells.
template <class T>
inline constexpr bool contains_handles = find_handles<T>(type_list<>{});

/// A block with the bytes of an encoded value. `context` is the one with which it was encoded.
/// @throws not_portable if the value contains handles; as `make_block`
[[nodiscard]] std::shared_ptr<shared_block> store_constant(memory_domain& domain, const byte_buffer& own,
                                                           const borrowed_runs& borrowed, const codec_context& context);
/// The bytes of a block, which other processes may overwrite meanwhile: what is decoded must not change.
[[nodiscard]] byte_buffer copy_of(shared_block& block);
/// The bytes of a block that is not in this process's memory; none if it is. Waits for the answers of its home.
/// @throws executor_stopped, std::bad_alloc, error
[[nodiscard]] byte_buffer fetch_elsewhere(shared_block& block);

template <class T>
[[nodiscard]] std::shared_ptr<shared_block> encode_constant(memory_domain& domain, const T& value) {
    byte_buffer own;
    borrowed_runs borrowed;
    codec_context context;
    encoder out(own, &context, &borrowed);
    detail::encode<T>(out, value);
    return store_constant(domain, own, borrowed, context);
}

/// Made with the value, or with nothing: then it is decoded when it is first read. Thread-safe.
template <class T>
class constant_value {
public:
    constant_value() noexcept {}
    template <class U>
    constant_value(std::in_place_t, U&& value) : value_(std::in_place, std::forward<U>(value)), ready_(&*value_) {}
    constant_value(const constant_value&) = delete;
    constant_value& operator=(const constant_value&) = delete;
    ~constant_value() = default;

    /// The value with which it was made.
    [[nodiscard]] const T& given() const noexcept { return *value_; }
    /// `block` has the encoded value. @throws codec_error, std::bad_alloc; then the next call tries again
    [[nodiscard]] const T& get(shared_block& block) {
        if (const T* const there = ready_.load(std::memory_order_acquire)) return *there;
        // The mutex is not held: the thread that reads the answers may wait for it.
        byte_buffer bytes = fetch_elsewhere(block);
        const std::lock_guard hold(mutex_);
        if (!value_) {
            if (bytes.empty()) bytes = copy_of(block);
            decoder in(bytes.data(), bytes.size(), nullptr);
            T value = detail::decode<T>(in);
            if (in.remaining() != 0) throw_malformed("a shared constant is longer than its value");
            value_.emplace(std::move(value));
            ready_.store(&*value_, std::memory_order_release);
        }
        return *value_;
    }

private:
    std::mutex mutex_;  // serialises the decoding, which calls `serialize` of the user's classes
    std::optional<T> value_;
    std::atomic<const T*> ready_{nullptr};  // set once, when `value_` is complete
};

/// The value of the constant in `block` in this process; made by `make` if this process does not know it yet, and then
/// kept until the constant no longer exists. @throws std::bad_alloc
[[nodiscard]] std::shared_ptr<void> find_constant_value(const shared_block& block, const std::type_info& type,
                                                        std::shared_ptr<void> (*make)());
/// Handles of the constant in `block` that come back to this process find `value`, as long as something else keeps it.
void add_constant_value(const shared_block& block, const std::type_info& type, const std::shared_ptr<void>& value);

}  // namespace cadre::detail
