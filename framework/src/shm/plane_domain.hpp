/// @file
/// The memory domain of one executor in the shared region.
#pragma once

#include <cadre/detail/state/memory_domain.hpp>

#include "shm/plane_objects.hpp"

namespace cadre::detail::shm {

/// Makes objects that carry the domain's number; finds objects of any domain of the region.
class plane_domain final : public memory_domain {
public:
    plane_domain(plane_core& core, std::uint32_t id) noexcept : core_(core), id_(id) {}

    [[nodiscard]] std::uint32_t id() const noexcept override { return id_; }

    [[nodiscard]] message_pool* messages() override;
    [[nodiscard]] std::shared_ptr<shared_channel> make_channel(std::size_t capacity) override;
    [[nodiscard]] std::shared_ptr<process_lock> make_lock() override;
    [[nodiscard]] std::shared_ptr<process_shared_lock> make_shared_lock() override;
    [[nodiscard]] std::shared_ptr<shared_condition> make_condition() override;
    [[nodiscard]] std::shared_ptr<shared_semaphore> make_semaphore(std::uint32_t permits) override;
    [[nodiscard]] std::shared_ptr<shared_block> make_block(std::size_t size, std::size_t alignment) override;

    [[nodiscard]] std::shared_ptr<shared_channel> take_channel(decoder& in) override;
    [[nodiscard]] std::shared_ptr<process_lock> take_lock(decoder& in) override;
    [[nodiscard]] std::shared_ptr<process_shared_lock> take_shared_lock(decoder& in) override;
    [[nodiscard]] std::shared_ptr<shared_condition> take_condition(decoder& in) override;
    [[nodiscard]] std::shared_ptr<shared_semaphore> take_semaphore(decoder& in) override;
    [[nodiscard]] std::shared_ptr<shared_block> take_block(decoder& in) override;

private:
    template <class Object, class Initialise>
    [[nodiscard]] std::shared_ptr<Object> make(const object_table::wanted& w, Initialise initialise);
    template <class Object>
    [[nodiscard]] std::shared_ptr<Object> take(decoder& in, object_kind kind);

    plane_core& core_;
    std::uint32_t id_;
};

}  // namespace cadre::detail::shm
