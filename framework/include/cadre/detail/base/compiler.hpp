/// @file
/// What compilers offer beyond the standard, where it pays.
#pragma once

#if defined(__has_cpp_attribute) && __has_cpp_attribute(clang::trivial_abi)
/// For a class that is one pointer: passed and returned in a register although it has a destructor.
#    define CADRE_TRIVIAL_ABI [[clang::trivial_abi]]
#else
#    define CADRE_TRIVIAL_ABI
#endif

namespace cadre::detail {

/// `p`, read by itself. g++ likes to move two neighbouring pointers with one vector load. If they were written just before,
/// one by one, as the results of two calls are, the processor cannot forward the stores to such a load, and waits.
template <class T>
[[nodiscard, gnu::always_inline]] inline T* read_alone(T* p) noexcept {
#if !defined(__clang__)
    asm("" : "+r"(p));
#endif
    return p;
}

}  // namespace cadre::detail

#if !defined(__PIC__) || defined(__PIE__)
/// For a thread-local of the library: it is at a constant distance from the thread pointer, because this is compiled for an
/// executable and the library is a static one.
#    define CADRE_THREAD_LOCAL [[gnu::tls_model("local-exec")]] constinit thread_local
#else
#    define CADRE_THREAD_LOCAL constinit thread_local
#endif

#if defined(__x86_64__) && defined(__has_cpp_attribute) && __has_cpp_attribute(clang::preserve_most)
/// For the rare, outlined part of an inlined function: its callers need not save their registers. It must not throw. The tag
/// makes a program of clang's that is linked with a library of g++'s, which knows no such calls, fail to link instead of
/// failing in its sleep. Hidden, because a dynamic linker that binds a call when it is first made does not keep all the registers.
#    define CADRE_RARE_CALL                                                                                            \
        [[clang::preserve_most, gnu::noinline, gnu::cold, gnu::abi_tag("preserve_most"), gnu::visibility("hidden")]]
#else
#    define CADRE_RARE_CALL [[gnu::noinline, gnu::cold]]
#endif

namespace cadre::detail {

/// Tells the processor that this is a loop that waits.
inline void cpu_relax() noexcept {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
}

}  // namespace cadre::detail
