/// @file
/// Cells, events, latches and barriers that live in another process.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>

#include <cadre/detail/state/cell_guard.hpp>
#include <cadre/detail/state/memory_domain.hpp>

#include "state/remote_objects.hpp"

namespace cadre::detail {

class remote_cell;

/// The lock of a cell. With the lock come the bytes, and what was changed meanwhile is written back with its release.
class remote_cell_lock final : public remote_view<process_lock> {
public:
    remote_cell_lock(std::shared_ptr<remote_domain> domain, home_number number, remote_cell& of) noexcept
        : remote_view(std::move(domain), number), cell_(of) {
        always_park();
    }

    void encode(encoder&) const override;
    [[nodiscard]] op_status try_lock(bool& owner_died) noexcept override;
    void unlock() noexcept override;
    [[nodiscard]] bool park(pending_operation& p) noexcept override;

private:
    void take(pending_operation& p, home_op op, std::uint64_t ticket, decoder& in) override;
    void undo(home_op op, std::uint64_t ticket) noexcept override;
    /// @return whether the previous owner died @throws codec_error
    [[nodiscard]] bool read_grant(decoder& in);

    remote_cell& cell_;
};

/// A copy of the bytes, and waits for changes of those at home.
class remote_cell final : public remote_view<shared_block>, public std::enable_shared_from_this<remote_cell> {
public:
    remote_cell(const std::shared_ptr<remote_domain>& domain, home_number number) noexcept
        : remote_view(domain, number, true), lock_(domain, number, *this) {}

    /// Once known, the size does not change. @throws std::bad_alloc, codec_error
    void set_size(std::uint64_t size);

    void encode(encoder& out) const override;
    [[nodiscard]] void* data() noexcept override { return copy_.get(); }
    [[nodiscard]] std::size_t size() const noexcept override;
    [[nodiscard]] std::shared_ptr<process_lock> lock() override { return {shared_from_this(), &lock_}; }
    [[nodiscard]] op_status alive() const noexcept override { return op_status::done; }
    void notify() noexcept override { tell(home_op::notify); }
    [[nodiscard]] op_status perform(cell_function operation, std::span<std::byte> state) noexcept override;
    void perform_later(cell_function operation, std::span<std::byte> state) noexcept override;
    [[nodiscard]] op_status write_back() noexcept override;

    [[nodiscard]] bool park(pending_operation& p) noexcept override;

private:
    friend class remote_cell_lock;

    struct aligned_delete {
        void operator()(std::byte* memory) const noexcept {
            ::operator delete(memory, std::align_val_t{cell_alignment});
        }
    };
    void take(pending_operation& p, home_op op, std::uint64_t ticket, decoder& in) override;

    std::mutex mutex_;  // a leaf: guards the first `set_size`
    std::unique_ptr<std::byte, aligned_delete> copy_;  // and behind it the bytes as they were when the lock was given
    std::uint64_t size_ = 0;
    remote_cell_lock lock_;
};

}  // namespace cadre::detail
