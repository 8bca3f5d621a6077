/// @file
/// The items of a map that have failed.
#pragma once

#include <cstddef>
#include <exception>
#include <map>

namespace cadre::detail {

/// Errors, which are few, by the index of their item.
class item_errors {
public:
    item_errors() noexcept;
    item_errors(const item_errors&) = delete;
    item_errors& operator=(const item_errors&) = delete;
    ~item_errors();

    void set(std::size_t i, const std::exception_ptr& error);
    /// The item was repeated and has succeeded; mostly it has not failed before.
    void erase(std::size_t i) noexcept {
        if (!errors_.empty()) [[unlikely]]
            remove(i);
    }
    /// Null: the item has not failed.
    [[nodiscard]] std::exception_ptr error(std::size_t i) const noexcept;
    /// The first item from `from` on, below `to`, that has failed; `to` if there is none.
    [[nodiscard]] std::size_t next(std::size_t from, std::size_t to) const noexcept;

private:
    void remove(std::size_t i) noexcept;

    std::map<std::size_t, std::exception_ptr> errors_;
};

}  // namespace cadre::detail
