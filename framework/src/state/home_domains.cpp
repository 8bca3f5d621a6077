#include "state/home_domains.hpp"

#include <map>
#include <mutex>
#include <utility>

#include <cadre/errors.hpp>

#include "state/home_protocol.hpp"

namespace cadre::detail {

namespace {

struct known_domains {
    std::mutex mutex;  // a leaf: guards the table; no domain is destroyed under it
    std::map<executor_identity, std::weak_ptr<memory_domain>> known;
    static known_domains& instance() {
        static auto* all = new known_domains;
        return *all;
    }
};

}  // namespace

void register_home_domain(const executor_identity& id, std::weak_ptr<memory_domain> domain) {
    auto& all = known_domains::instance();
    const std::lock_guard hold(all.mutex);
    std::erase_if(all.known, [](const auto& each) { return each.second.expired(); });
    all.known[id] = std::move(domain);
}

std::shared_ptr<memory_domain> find_home_domain(decoder in) {
    if (in.remaining() == 0 || (in.read_byte() & home_handle::home) == 0) return nullptr;
    const auto id = take<executor_identity>(in);
    auto& all = known_domains::instance();
    const std::lock_guard hold(all.mutex);
    if (const auto found = all.known.find(id); found != all.known.end())
        if (auto domain = found->second.lock()) return domain;
    throw not_portable(
        "the handle refers to an object of an executor of several hosts, to which this process does not belong: "
        "such objects can be used in the program and in the workers of that executor");
}

}  // namespace cadre::detail
