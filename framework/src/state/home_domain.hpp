/// @file
/// The memory domain of an executor of several hosts, in the program's process.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include <cadre/detail/state/memory_domain.hpp>

#include "state/constant_home.hpp"
#include "state/home_objects.hpp"

namespace cadre::detail {

/// Makes objects on the heap, and finds those to which workers' handles refer. Objects may outlive it. Thread-safe.
class home_domain final : public memory_domain, public constant_home {
public:
    explicit home_domain(const executor_identity& id) : table_(std::make_shared<home_table>(id)) {}
    home_domain(const home_domain&) = delete;
    home_domain& operator=(const home_domain&) = delete;
    /// Handles in transit keep objects alive, and the objects keep their table.
    ~home_domain() override { table_->stop(); }

    [[nodiscard]] std::shared_ptr<shared_channel> make_channel(std::size_t capacity) override;
    [[nodiscard]] std::shared_ptr<process_lock> make_lock() override;
    [[nodiscard]] std::shared_ptr<shared_semaphore> make_semaphore(std::uint32_t permits) override;
    [[nodiscard]] std::shared_ptr<process_shared_lock> make_shared_lock() override;
    [[nodiscard]] std::shared_ptr<shared_condition> make_condition() override;
    [[nodiscard]] std::shared_ptr<shared_block> make_block(std::size_t size, std::size_t alignment) override;
    [[nodiscard]] std::shared_ptr<shared_block> make_cell(std::size_t size, std::size_t alignment) override;

    [[nodiscard]] std::shared_ptr<shared_channel> take_channel(decoder& in) override;
    [[nodiscard]] std::shared_ptr<process_lock> take_lock(decoder& in) override;
    [[nodiscard]] std::shared_ptr<shared_semaphore> take_semaphore(decoder& in) override;
    [[nodiscard]] std::shared_ptr<process_shared_lock> take_shared_lock(decoder& in) override;
    [[nodiscard]] std::shared_ptr<shared_condition> take_condition(decoder& in) override;
    [[nodiscard]] std::shared_ptr<shared_block> take_block(decoder& in) override;
    [[nodiscard]] std::shared_ptr<shared_block> take_cell(decoder& in) override;

    [[nodiscard]] std::shared_ptr<shared_block>
    make_constant(std::span<const std::span<const std::byte>> pieces) override;
    [[nodiscard]] bool constant_exists(decoder& in) override;
    /// A constant whose bytes are to be appended.
    [[nodiscard]] std::shared_ptr<home_constant> make_constant(std::size_t size);

    [[nodiscard]] const std::shared_ptr<home_table>& table() const noexcept { return table_; }
    /// After the executor has shut down: operations on its objects give executor_stopped, and no new ones are made.
    void stop() noexcept {
        table_->registry->stop();
        table_->stop();
    }

private:
    template <class Object>
    [[nodiscard]] std::shared_ptr<Object> find(decoder& in, home_kind kind);

    const std::shared_ptr<home_table> table_;
};

/// Refuses what hosts do not share. @throws not_portable
[[noreturn]] void throw_no_memory_on_several_hosts();
/// @throws not_portable if a cell cannot travel
void require_cell(std::size_t size, std::size_t alignment);

}  // namespace cadre::detail
