/// @file
/// `make<T>(args…)`: a value for an awaiting expression, safe under g++ 12.
///
///     std::string body = decode(file);
///     co_await cadre::on(ex, handle, cadre::make<request>(std::move(body), n));
#pragma once

#include <utility>

namespace cadre {

/// `T{args…}`, made in a function.
///
/// In an expression that contains `co_await`, g++ 12 destroys a temporary that it builds from braces or captures twice:
/// an aggregate such as `request{std::move(body), n}`, or a lambda that owns something. No function can notice, because
/// the temporary is damaged before it is passed. A value that a function returns is not affected.
/// @throws the exceptions of the initialisation
template <class T, class... Args>
[[nodiscard]] constexpr T make(Args&&... args) {
    return T{std::forward<Args>(args)...};
}

}  // namespace cadre
