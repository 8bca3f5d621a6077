/// @file
/// Options of `map` and its relatives.
///
///     co_await cadre::map(ex, resize, files, {.chunk = 16, .name = "resize"});
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string_view>
#include <type_traits>

namespace cadre {

/// A reference to a callable that takes (done, total); the caller keeps the callable alive until the map has ended.
class progress_callback {
public:
    progress_callback(std::nullptr_t = nullptr) noexcept {}  // NOLINT(google-explicit-constructor)
    template <class F>
        requires(std::is_invocable_v<F&, std::size_t, std::size_t> &&
                 !std::is_same_v<std::remove_cvref_t<F>, progress_callback>)
    progress_callback(F&& f) noexcept {  // NOLINT(google-explicit-constructor): a function reference
        if constexpr (std::is_function_v<std::remove_reference_t<F>> || std::is_pointer_v<std::remove_cvref_t<F>>) {
            using pointer = void (*)(std::size_t, std::size_t);
            function_ = static_cast<pointer>(f);
            call_ = [](const progress_callback& self, std::size_t done, std::size_t total) {
                self.function_(done, total);
            };
        } else {
            object_ = const_cast<void*>(static_cast<const void*>(std::addressof(f)));
            call_ = [](const progress_callback& self, std::size_t done, std::size_t total) {
                (*static_cast<std::remove_reference_t<F>*>(self.object_))(done, total);
            };
        }
    }

    [[nodiscard]] explicit operator bool() const noexcept { return call_ != nullptr; }
    void operator()(std::size_t done, std::size_t total) const {
        if (call_ != nullptr) call_(*this, done, total);
    }

private:
    void (*call_)(const progress_callback&, std::size_t, std::size_t) = nullptr;
    void* object_ = nullptr;
    void (*function_)(std::size_t, std::size_t) = nullptr;
};

/// Zero selects a good value automatically. Trivially destructible: the members are views and references whose targets
/// the caller keeps alive until the map has ended.
struct map_options {
    std::size_t chunk = 0;  ///< items of one call; automatic: as many as take some tens of microseconds
    bool ordered = true;  ///< `map_stream`: in input order, or as they finish
    std::size_t window = 0;  ///< maximum of items that are taken from the input and not delivered yet
    int retries = 0;  ///< repeats of an item whose worker died
    std::chrono::nanoseconds timeout{0};  ///< limit of each item; implies chunks of one item
    progress_callback progress = nullptr;  ///< called with (done, total) at home; total is 0 if unknown
    std::string_view name{};  ///< of the tasks, in errors and logs
};
static_assert(std::is_trivially_destructible_v<map_options>);

}  // namespace cadre
