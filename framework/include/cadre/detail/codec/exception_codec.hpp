/// @file
/// Encodes and decodes exceptions. Standard exceptions, `std::system_error`, this library's errors and registered types
/// keep their type; other classes are rebuilt as their nearest standard base, everything else as `remote_error`.
#pragma once

#include <concepts>
#include <cstddef>
#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include <cadre/detail/codec/codec_stream.hpp>

namespace cadre::detail {

/// The origin of an exception that was thrown in another process.
struct exception_origin {
    std::string where;  ///< worker and task
    std::string item;  ///< `, item 5`, or empty
    std::string type_name;  ///< demangled, as thrown
    std::string text;  ///< `what()`, as thrown
};

/// Second base of every rebuilt exception.
class remote_origin {
public:
    explicit remote_origin(exception_origin origin);
    virtual ~remote_origin() = default;
    remote_origin(const remote_origin&) = default;
    remote_origin& operator=(const remote_origin&) = default;

    [[nodiscard]] const exception_origin& origin() const noexcept { return *origin_; }

private:
    std::shared_ptr<const exception_origin> origin_;  // shared: copying an exception must not throw
};

/// A `B` from another process: handlers of `B` match, and `what()` returns the original text even if `B` has no
/// constructor from a text.
template <class B>
class rebuilt : public B, public remote_origin {
public:
    rebuilt(B base, exception_origin origin) : B(std::move(base)), remote_origin(std::move(origin)) {}
    [[nodiscard]] const char* what() const noexcept override { return origin().text.c_str(); }
};

/// An exception_ptr to `e`, with `inner` nested in it as by `std::throw_with_nested`.
template <class E>
[[nodiscard]] std::exception_ptr with_nested(E e, const std::exception_ptr& inner) {
    if (!inner) return std::make_exception_ptr(std::move(e));
    try {
        std::rethrow_exception(inner);
    } catch (...) {
        try {
            std::throw_with_nested(std::move(e));
        } catch (...) {
            return std::current_exception();
        }
    }
}

/// The rebuilt form of `e`. A final class, or a class that does not derive from std::exception, is thrown unchanged.
template <class E>
[[nodiscard]] std::exception_ptr rebuild_exception(E e, exception_origin origin, const std::exception_ptr& inner) {
    if constexpr (std::derived_from<E, std::exception> && !std::is_final_v<E>)
        return with_nested(rebuilt<E>(std::move(e), std::move(origin)), inner);
    else
        return with_nested(std::move(e), inner);
}

/// Encodes and decodes a registered type.
struct registered_exception {
    void (*save)(encoder&, const std::exception_ptr&);
    std::exception_ptr (*load)(decoder&, exception_origin, const std::exception_ptr& inner);
};
void add_registered_exception(const std::type_info& type, registered_exception entry);

/// Writes `exception` and the exceptions nested in it. An exception that cannot be encoded is rebuilt as its nearest
/// base or as `remote_error`. @throws std::bad_alloc, nothing else
void encode_exception(encoder& out, const std::exception_ptr& exception);

/// Reads an exception written by `encode_exception`. `where` names the worker and task for `error_origin`; an exception
/// that was itself rebuilt keeps its first origin. @throws codec_error if the bytes are malformed
[[nodiscard]] std::exception_ptr decode_exception(decoder& in, std::string_view where);

/// `exception` as it arrives in another process, with an origin that names the item `index` and not yet the worker.
/// @throws std::bad_alloc
[[nodiscard]] std::exception_ptr at_item(const std::exception_ptr& exception, std::size_t index);

}  // namespace cadre::detail
