#include <cadre/async_latch.hpp>

#include <atomic>
#include <string>

namespace cadre {

async_latch::async_latch(const executor& ex, std::uint64_t count, counted) : block_(detail::make_words(ex, 1)) {
    detail::block_word(*block_, 0).store(count);
}

namespace detail {

bool lower_latch(shared_block& block, std::uint64_t n) noexcept {
    std::atomic<std::uint64_t>& word = block_word(block, 0);
    std::uint64_t now = word.load();
    do
        if (n > now) return false;
    while (!word.compare_exchange_weak(now, now - n));
    if (now == n && n != 0) block.notify();
    return true;
}

void throw_below_zero(std::uint64_t n) {
    throw std::underflow_error("cadre::async_latch: counting down by " + std::to_string(n) +
                               " would make the count negative");
}

}  // namespace detail

}  // namespace cadre
