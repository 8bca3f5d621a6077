#include <cadre/detail/state/memory_domain.hpp>
#include <cadre/errors.hpp>

#include "heap_objects.hpp"

namespace cadre::detail {

namespace {

/// Objects made through the domain itself belong to no executor: their scope never ends.
class heap final : public memory_domain {
public:
    [[nodiscard]] bool shared() const noexcept override { return false; }
    [[nodiscard]] std::uint32_t id() const noexcept override { return 0; }
    [[nodiscard]] std::shared_ptr<process_lock> make_lock() override { return make_heap_lock(scope_); }
    [[nodiscard]] std::shared_ptr<shared_semaphore> make_semaphore(std::uint32_t permits) override {
        return make_heap_semaphore(scope_, permits);
    }
    [[nodiscard]] std::shared_ptr<shared_block> make_block(std::size_t size, std::size_t alignment) override {
        return make_heap_block(scope_, size, alignment);
    }

private:
    std::shared_ptr<object_registry> scope_ = std::make_shared<object_registry>();
};

[[noreturn]] void refuse() { throw not_portable("the heap of a process holds no objects of other processes"); }

}  // namespace

// Never destroyed: handles may outlive static objects.
memory_domain& heap_domain() noexcept {
    static auto* const domain = new heap;
    return *domain;
}

std::shared_ptr<shared_channel> memory_domain::make_channel(std::size_t) { refuse(); }
std::shared_ptr<shared_channel> memory_domain::take_channel(decoder&) { refuse(); }
std::shared_ptr<process_lock> memory_domain::take_lock(decoder&) { refuse(); }
std::shared_ptr<shared_semaphore> memory_domain::take_semaphore(decoder&) { refuse(); }
std::shared_ptr<shared_block> memory_domain::take_block(decoder&) { refuse(); }

}  // namespace cadre::detail
