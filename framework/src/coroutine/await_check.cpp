#include <cadre/detail/coroutine/await_check.hpp>

#include <cstdio>

namespace cadre::detail {

void report_unawaited(const char* what) noexcept {
    std::fprintf(stderr, "cadre: the awaitable of %s is destroyed without co_await: it has done nothing\n", what);
}

}  // namespace cadre::detail
