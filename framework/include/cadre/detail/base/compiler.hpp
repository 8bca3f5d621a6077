/// @file
/// Compiler extensions.
#pragma once

#include <cadre/detail/base/build_settings.hpp>

#if defined(__has_cpp_attribute) && __has_cpp_attribute(clang::trivial_abi)
/// For a class that consists of one pointer: it is passed and returned in a register although it has a destructor.
#    define CADRE_TRIVIAL_ABI [[clang::trivial_abi]]
#else
#    define CADRE_TRIVIAL_ABI
#endif

namespace cadre::detail {

/// Reads `p` with a load of its own. g++ tends to move two neighbouring pointers with one vector load. If two separate
/// stores wrote them just before, as the results of two calls are, store forwarding to such a load fails and the load
/// stalls.
template <class T>
[[nodiscard, gnu::always_inline]] inline T* read_alone(T* p) noexcept {
#if !defined(__clang__)
    asm("" : "+r"(p));
#endif
    return p;
}

}  // namespace cadre::detail

#if !defined(__PIC__) || defined(__PIE__)
/// For a thread-local variable of the library: its offset from the thread pointer is a constant, because the library is
/// static and this code is compiled for an executable.
#    define CADRE_THREAD_LOCAL [[gnu::tls_model("local-exec")]] constinit thread_local
#else
#    define CADRE_THREAD_LOCAL constinit thread_local
#endif

#if defined(__x86_64__) && defined(__has_cpp_attribute) && __has_cpp_attribute(clang::preserve_most)
/// For the rare, outlined part of an inlined function: its callers need not save their registers. It must not throw.
/// The ABI tag makes linking a program built by clang with a library built by g++, which lacks this calling convention,
/// fail at link time instead of at run time. Hidden, because lazy binding by the dynamic linker does not preserve all
/// registers.
#    define CADRE_RARE_CALL                                                                                            \
        [[clang::preserve_most, gnu::noinline, gnu::cold, gnu::abi_tag("preserve_most"), gnu::visibility("hidden")]]
#else
#    define CADRE_RARE_CALL [[gnu::noinline, gnu::cold]]
#endif

namespace cadre::detail {

/// Fetches the cache line of `p`, which this thread is about to write: a load would fetch it for reading first. Ignored
/// by processors that do not know the instruction.
inline void prefetch_for_writing(const volatile void* p) noexcept {
#if defined(__x86_64__)
    asm volatile("prefetchw (%0)" : : "r"(p));
#else
    __builtin_prefetch(const_cast<const void*>(p), 1);
#endif
}

/// Hints to the processor that this is a spin loop.
inline void cpu_relax() noexcept {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
}

}  // namespace cadre::detail
