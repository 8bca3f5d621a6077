#include "base/random_bytes.hpp"

#include <cerrno>
#include <system_error>

#include <sys/random.h>

namespace cadre::detail {

void fill_random(void* bytes, std::size_t size) {
    for (std::size_t done = 0; done != size;) {
        const ssize_t n = ::getrandom(static_cast<std::byte*>(bytes) + done, size - done, 0);
        if (n < 0 && errno != EINTR) throw std::system_error(errno, std::generic_category(), "getrandom");
        if (n > 0) done += static_cast<std::size_t>(n);
    }
}

}  // namespace cadre::detail
