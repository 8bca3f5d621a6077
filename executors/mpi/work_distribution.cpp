#include "mpi/work_distribution.hpp"

#include <algorithm>
#include <iterator>

namespace cadre::detail::mpi {

void work_distribution::add_first(std::vector<byte_buffer> bodies) {
    waiting_.insert(waiting_.begin(), std::make_move_iterator(bodies.begin()), std::make_move_iterator(bodies.end()));
}

void work_distribution::report(int rank, const credit_report& now) {
    const auto which = static_cast<std::size_t>(rank);
    agents_[which].last = now;
    update(which);
}

void work_distribution::remove(int rank) {
    const auto which = static_cast<std::size_t>(rank);
    agents_[which].gone = true;
    update(which);
}

void work_distribution::update(std::size_t which) {
    const agent& a = agents_[which];
    const std::uint64_t held = a.sent - std::min(a.sent, a.last.acknowledged);
    const std::uint64_t left = a.gone || a.last.credit <= held ? 0 : a.last.credit - held;
    const auto bounded = static_cast<std::uint32_t>(std::min<std::uint64_t>(left, UINT32_MAX));
    all_free_ = all_free_ - free_[which] + bounded;
    free_[which] = bounded;
}

work_distribution::assignment work_distribution::next() {
    if (waiting_.empty() || all_free_ == 0) return {};
    const auto freest = std::ranges::max_element(free_);
    const auto which = static_cast<std::size_t>(freest - free_.begin());
    ++agents_[which].sent;
    update(which);
    assignment result{.agent = static_cast<int>(which), .body = std::move(waiting_.front())};
    waiting_.pop_front();
    return result;
}

}  // namespace cadre::detail::mpi
