/// @file
/// The names of called functions, for error texts about calls without a name. The name is found when a text is made: a
/// call itself costs nothing more.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include <cadre/detail/base/intrusive_list.hpp>
#include <cadre/detail/codec/callable_ref.hpp>
#include <cadre/detail/codec/codec_stream.hpp>
#include <cadre/detail/codec/function_identity.hpp>

namespace cadre {
template <class F, class... Bound>
class portable_binding;
}

namespace cadre::detail {

/// The name of a callable class, for use in a sentence: `resize`, `the lambda at main.cpp:12:5`.
[[nodiscard]] std::string callable_class_name(const char* spelled_type);
/// The name of the function whose pointer is read from `in`: `resize(image)`, or `a task of type int (image)` if the
/// program has no symbol for it.
[[nodiscard]] std::string pointed_function_name(const char* spelled_type, decoder& in);

/// The name of the callable, as above; empty if it is not known.
[[nodiscard]] std::string callable_text(const callable_ref& callable);

/// The name of an encoded callable of type `F`; `in` is at its beginning.
template <class F>
struct callable_name {
    static std::string read(decoder& in) {
        if constexpr (std::is_pointer_v<F>)
            return pointed_function_name(spelled_type<std::remove_pointer_t<F>>(), in);
        else
            return callable_class_name(spelled_type<F>());
    }
};
template <class F, class... Bound>
struct callable_name<portable_binding<F, Bound...>> : callable_name<F> {};

/// Maps a trampoline to the names of its calls. A static object of the module with the trampoline: it is created
/// before `main`, so that the name is known in every process, not only in the caller's.
class trampoline_name {
public:
    using read_function = std::string (*)(decoder& arguments);

    trampoline_name(const void* trampoline, read_function read) noexcept;
    trampoline_name(const trampoline_name&) = delete;
    trampoline_name& operator=(const trampoline_name&) = delete;
    ~trampoline_name();

private:
    const void* trampoline_;
    read_function read_;
    list_links<trampoline_name> links_{};
    friend struct trampoline_names;
};

/// Whether `id` is a trampoline of this program: another process, which may be hostile, has named it. Thread-safe.
[[nodiscard]] bool is_trampoline(const function_id& id) noexcept;

/// The name of the function that a call runs; `a task` if it is not known. `arguments` may be malformed. Some
/// microseconds, for the first call of a function some milliseconds. Thread-safe. @throws std::bad_alloc
[[nodiscard]] std::string call_name(const function_id& trampoline, std::span<const std::byte> arguments);
[[nodiscard]] std::string call_name_at(const void* trampoline, std::span<const std::byte> arguments);

/// The task of a call as sentences name it: `task 'resize'`, or the name of the function if `name` is empty.
[[nodiscard]] std::string task_text(std::string_view name, const callable_ref& callable);
[[nodiscard]] std::string task_text(std::string_view name, const function_id& trampoline,
                                    std::span<const std::byte> arguments);

}  // namespace cadre::detail
