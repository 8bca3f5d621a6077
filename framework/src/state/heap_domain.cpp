#include "state/heap_domain.hpp"

#include "state/heap_locks.hpp"
#include "state/heap_objects.hpp"

namespace cadre::detail {

std::shared_ptr<process_lock> heap_domain::make_lock() { return std::make_shared<heap_lock>(objects_); }

std::shared_ptr<process_shared_lock> heap_domain::make_shared_lock() {
    return std::make_shared<heap_shared_lock>(objects_);
}

std::shared_ptr<shared_condition> heap_domain::make_condition() { return std::make_shared<heap_condition>(objects_); }

std::shared_ptr<shared_semaphore> heap_domain::make_semaphore(std::uint32_t permits) {
    return std::make_shared<heap_semaphore>(objects_, permits);
}

std::shared_ptr<shared_block> heap_domain::make_block(std::size_t size, std::size_t alignment) {
    return std::make_shared<heap_block>(objects_, size, alignment);
}

}  // namespace cadre::detail
