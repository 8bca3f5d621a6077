/// @file
/// The memory domain of one local executor: its objects live on the heap of this process.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include <cadre/detail/state/memory_domain.hpp>
#include <cadre/detail/state/object_registry.hpp>

namespace cadre::detail {

/// Each local backend has one. Objects may outlive it; `stop` ends them, its destruction does not. Thread-safe.
class heap_domain final : public memory_domain {
public:
    [[nodiscard]] std::shared_ptr<process_lock> make_lock() override;
    [[nodiscard]] std::shared_ptr<process_shared_lock> make_shared_lock() override;
    [[nodiscard]] std::shared_ptr<shared_condition> make_condition() override;
    [[nodiscard]] std::shared_ptr<shared_semaphore> make_semaphore(std::uint32_t permits) override;
    [[nodiscard]] std::shared_ptr<shared_block> make_block(std::size_t size, std::size_t alignment) override;
    [[nodiscard]] std::shared_ptr<object_registry> local_objects() noexcept override { return objects_; }

    /// After the executor has shut down: operations on its objects give executor_stopped, and no new ones are made.
    void stop() noexcept { objects_->stop(); }

private:
    std::shared_ptr<object_registry> objects_ = std::make_shared<object_registry>();
};

}  // namespace cadre::detail
