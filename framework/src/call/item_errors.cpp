#include <cadre/detail/call/item_errors.hpp>

namespace cadre::detail {

item_errors::item_errors() noexcept = default;
item_errors::~item_errors() = default;

void item_errors::set(std::size_t i, const std::exception_ptr& error) { errors_.insert_or_assign(i, error); }

void item_errors::remove(std::size_t i) noexcept { errors_.erase(i); }

std::exception_ptr item_errors::error(std::size_t i) const noexcept {
    const auto found = errors_.find(i);
    return found != errors_.end() ? found->second : nullptr;
}

std::size_t item_errors::next(std::size_t from, std::size_t to) const noexcept {
    const auto found = errors_.lower_bound(from);
    return found != errors_.end() && found->first < to ? found->first : to;
}

}  // namespace cadre::detail
