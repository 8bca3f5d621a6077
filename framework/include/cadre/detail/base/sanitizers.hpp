/// @file
/// Macros for the sanitizer that this translation unit is built with; g++ and clang define different ones.
#pragma once

#if defined(__has_feature)
#    if __has_feature(address_sanitizer)
#        define CADRE_ASAN 1
#    endif
#    if __has_feature(thread_sanitizer)
#        define CADRE_TSAN 1
#    endif
#    if __has_feature(memory_sanitizer)
#        define CADRE_MSAN 1
#    endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#    define CADRE_ASAN 1
#endif
#if defined(__SANITIZE_THREAD__)
#    define CADRE_TSAN 1
#endif
// These reserve terabytes of address space and keep what is freed: no limit of memory fits them.
#if defined(CADRE_ASAN) || defined(CADRE_TSAN) || defined(CADRE_MSAN)
#    define CADRE_NO_MEMORY_LIMIT 1
#endif
