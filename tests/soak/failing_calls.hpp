/// @file
/// Control of failing_calls.cpp, which is in the program only if it was started with LD_PRELOAD.
#pragma once

#include <cstdint>

#include <dlfcn.h>

namespace cadre::soak {

template <class... Args>
std::uint64_t call_failing_calls(const char* name, Args... args) {
    using function = std::uint64_t (*)(Args...);
    const auto f = reinterpret_cast<function>(::dlsym(RTLD_DEFAULT, name));
    return f != nullptr ? f(args...) : 0;
}

/// About one system call of `one_in` fails from now on; 0: none.
inline void let_calls_fail(std::uint64_t one_in) { call_failing_calls("cadre_failing_calls_switch", one_in); }

[[nodiscard]] inline std::uint64_t failed_calls() { return call_failing_calls("cadre_failing_calls_count"); }

/// While one lives, no call of its thread fails: for the parts of the test.
class no_failing_calls {
public:
    no_failing_calls() { call_failing_calls("cadre_failing_calls_exempt", 1); }
    no_failing_calls(const no_failing_calls&) = delete;
    no_failing_calls& operator=(const no_failing_calls&) = delete;
    ~no_failing_calls() { call_failing_calls("cadre_failing_calls_exempt", -1); }
};

}  // namespace cadre::soak
