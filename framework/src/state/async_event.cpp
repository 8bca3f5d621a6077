#include <cadre/async_event.hpp>

namespace cadre::detail {

bool event_set::set(shared_block& block) noexcept {
    std::atomic<std::uint64_t>& word = block_word(block, 0);
    std::uint64_t now = word.load();
    while ((now & set_bit) == 0)
        if (word.compare_exchange_weak(now, (now + 2) | set_bit)) return true;
    return false;
}

void event_set::reset(shared_block& block) noexcept { block_word(block, 0).fetch_and(~set_bit); }

}  // namespace cadre::detail
