/// @file
/// The owners of the descriptors of the process executor.
#pragma once

#include <cadre/unique_fd.hpp>

#include <memory>
#include <utility>

namespace cadre::detail::process_os {

using cadre::unique_fd;

/// Owns one file descriptor, or none, together with its copies.
class shared_fd {
public:
    shared_fd() noexcept = default;
    /// @throws std::bad_alloc
    shared_fd(unique_fd fd) : fd_(std::make_shared<const unique_fd>(std::move(fd))) {}

    [[nodiscard]] int get() const noexcept { return fd_ != nullptr ? fd_->get() : -1; }

private:
    std::shared_ptr<const unique_fd> fd_;
};

}  // namespace cadre::detail::process_os
