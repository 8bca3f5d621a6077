#include <atomic>

#include <cadre/detail/state/memory_domain.hpp>

namespace cadre::detail {

namespace {
constinit std::atomic<memory_domain*> current{nullptr};
}

memory_domain* program_domain() noexcept { return current.load(std::memory_order_acquire); }
void set_program_domain(memory_domain* domain) noexcept { current.store(domain, std::memory_order_release); }

}  // namespace cadre::detail
