#include <cadre/async_event.hpp>

#include <atomic>

namespace cadre::detail {

op_status event_setting::check(shared_block& block) const noexcept {
    if (block.alive() != op_status::done) return op_status::done;
    std::atomic<std::uint64_t>& word = block_word(block, 0);
    if (set == 0) {
        word.fetch_and(~event_set_bit);
        return op_status::done;
    }
    std::uint64_t now = word.load();
    while ((now & event_set_bit) == 0)
        if (word.compare_exchange_weak(now, (now + 2) | event_set_bit)) {
            block.notify();
            break;
        }
    return op_status::done;
}

}  // namespace cadre::detail
