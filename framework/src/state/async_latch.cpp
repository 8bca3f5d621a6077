#include <cadre/async_latch.hpp>

#include <atomic>
#include <string>

namespace cadre {

async_latch::async_latch(const executor& ex, std::uint64_t count, counted) : block_(detail::make_word(ex, count)) {}

namespace detail {

op_status latch_step::check(shared_block& block) const noexcept {
    if (block.alive() != op_status::done) return op_status::done;
    std::atomic<std::uint64_t>& word = block_word(block, 0);
    std::uint64_t now = word.load();
    do
        if (steps > now) return op_status::closed;
    while (!word.compare_exchange_weak(now, now - steps));
    if (now == steps && steps != 0) block.notify();
    return op_status::done;
}

void throw_below_zero(std::uint64_t n) {
    throw std::underflow_error("cadre::async_latch: counting down by " + std::to_string(n) +
                               " would make the count negative");
}

}  // namespace detail

}  // namespace cadre
