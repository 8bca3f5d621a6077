#include <cadre/detail/state/block_operation.hpp>
#include <cadre/detail/state/cell_guard.hpp>

namespace cadre::detail {

std::shared_ptr<shared_block> make_word(const executor& ex, std::uint64_t value) {
    auto block = domain_of(ex).make_cell(sizeof(std::uint64_t), cell_alignment);
    block_word(*block, 0).store(value);
    require_alive(block->write_back());
    return block;
}

std::shared_ptr<shared_block> take_word(decoder& in) {
    return checked_block(domain_of(in).take_cell(in), sizeof(std::uint64_t), alignof(std::uint64_t));
}

}  // namespace cadre::detail
