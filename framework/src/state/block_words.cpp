#include <cadre/detail/state/block_operation.hpp>
#include <cadre/detail/state/cell_guard.hpp>

namespace cadre::detail {

std::shared_ptr<shared_block> make_words(const executor& ex, std::size_t words) {
    return domain_of(ex).make_block(words * sizeof(std::uint64_t), cell_alignment);
}

std::shared_ptr<shared_block> take_words(decoder& in, std::size_t words) {
    return checked_block(domain_of(in).take_block(in), words * sizeof(std::uint64_t), alignof(std::uint64_t));
}

}  // namespace cadre::detail
