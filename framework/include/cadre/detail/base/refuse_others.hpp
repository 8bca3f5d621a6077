/// @file
/// A last overload of a function, for the calls that no other overload takes: it refuses them by a sentence.
///
///     CADRE_REFUSE_OTHERS(timeout, "cadre::timeout(duration, awaitable): …");
///
/// An argument for an ellipsis is the worst match, so the overload is never chosen while another one is viable. It is
/// no template of the arguments: an accepted call pays nothing for it, and it takes the name of several functions,
/// whose type cannot be deduced. The compiler prints the sentence as the error of the user's line; for code that only
/// tests whether a call is valid it is not.
#pragma once

#include <cstddef>

namespace cadre::detail {

/// What a refused call seems to return: it can be awaited and converts to every type, so that no error follows.
struct refused_call {
    using resumes_at_home = void;
    [[nodiscard]] static bool await_ready() noexcept;
    static void await_suspend(auto handle) noexcept;
    [[nodiscard]] refused_call await_resume() const noexcept;
    template <class T>
    operator T() const noexcept;  // NOLINT(google-explicit-constructor): never called
};

/// A text as a template argument, which g++ prints with the name of the function.
template <std::size_t N>
struct refusal {
    char text[N];
    consteval refusal(const char (&sentence)[N]) {  // NOLINT(google-explicit-constructor): from a literal
        for (std::size_t i = 0; i < N; ++i)
            text[i] = sentence[i];
    }
};

}  // namespace cadre::detail

// `name` takes the calls that no overload before it takes. Not for constructors: one with an ellipsis is a default
// constructor.
#ifdef __clang__
#    define CADRE_REFUSES(declaration, sentence)                                                                       \
        _Pragma("clang diagnostic push") _Pragma("clang diagnostic ignored \"-Wgcc-compat\"") template <class = void>  \
        declaration __attribute__((diagnose_if(true, sentence, "error"))) _Pragma("clang diagnostic pop")
#else
#    define CADRE_REFUSES(declaration, sentence)                                                                       \
        template <::cadre::detail::refusal Refused = sentence>                                                         \
        declaration = delete
#endif
#define CADRE_REFUSE_OTHERS(name, sentence) CADRE_REFUSES(::cadre::detail::refused_call name(...), sentence)
#define CADRE_REFUSE_OTHER_MEMBERS(name, sentence)                                                                     \
    CADRE_REFUSES(::cadre::detail::refused_call name(...) const, sentence)
