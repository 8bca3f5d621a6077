#include <cadre/detail/coroutine/stop_state.hpp>

#include <array>

namespace cadre::detail {

namespace {

// Trees share locks; a lock is held only for moments. Never destroyed: jobs may outlive static objects.
std::array<std::mutex, 64>& lock_table() {
    static auto* table = new std::array<std::mutex, 64>;
    return *table;
}

}  // namespace

// Of the nearest state above that has one already; a root is given one.
std::mutex& stop_state::lock() noexcept {
    stop_state* s = this;
    for (;; s = s->parent_) {
        if (std::mutex* const known = s->lock_.load(std::memory_order_acquire); known != nullptr) return *known;
        if (s->parent_ == nullptr) break;
    }
    static std::atomic<unsigned> turn{0};
    std::mutex* const fresh = &lock_table()[turn.fetch_add(1, std::memory_order_relaxed) % 64];
    std::mutex* first = nullptr;  // another thread may be as fast
    return s->lock_.compare_exchange_strong(first, fresh, std::memory_order_acq_rel) ? *fresh : *first;
}

// Tokens are requested before waiting tasks are woken, so that a woken task finds its token requested; and without the
// lock, because their callbacks are the user's code.
void stop_state::request_stop(stop_reason why) noexcept {
    std::vector<std::stop_source> sources;
    {
        const std::lock_guard hold(lock());
        if (reason_.load(std::memory_order_relaxed) >= why) return;
        mark_locked(why, &sources);
        if (sources.empty()) return announce_locked(why);
    }
    for (std::stop_source& source : sources)
        source.request_stop();
    const std::lock_guard hold(lock());
    announce_locked(why);
}

void stop_state::fire_link(stop_node* node, stop_reason why) noexcept {
    stop_state& self = *static_cast<link_node*>(node)->self;
    self.mark_locked(why, nullptr);
    self.announce_locked(why);
}

void stop_state::materialise_locked() noexcept {
    if (materialised_) return;
    std::construct_at(&listening_);
    materialised_ = true;
}

void stop_state::insert_locked(stop_node& node) noexcept {
    node.prev = nullptr;
    node.next = listening_.nodes;
    if (node.next != nullptr) node.next->prev = &node;
    listening_.nodes = &node;
}

void stop_state::erase_locked(stop_node& node) noexcept {
    (node.prev != nullptr ? node.prev->next : listening_.nodes) = node.next;
    if (node.next != nullptr) node.next->prev = node.prev;
    node.prev = node.next = nullptr;
}

void stop_state::mark_locked(stop_reason why, std::vector<std::stop_source>* sources) noexcept {
    if (reason_.load(std::memory_order_relaxed) >= why) return;
    reason_.store(why, std::memory_order_release);
    if (!materialised_) return;
    if (listening_.source != nullptr && sources != nullptr) sources->push_back(*listening_.source);
    for (stop_node* node = listening_.nodes; node != nullptr; node = node->next)
        if (node->fire == &fire_link) static_cast<link_node*>(node)->self->mark_locked(why, sources);
}

// Listeners may hear of one request twice; they are idempotent.
void stop_state::announce_locked(stop_reason why) noexcept {
    if (!materialised_) return;
    for (stop_node *node = listening_.nodes, *next = nullptr; node != nullptr; node = next) {
        next = node->next;
        node->fire(node, why);
    }
}

// Links the whole chain above, so that a request anywhere reaches this state.
void stop_state::link_locked() noexcept {
    materialise_locked();
    std::mutex* const tree = &lock();
    for (stop_state* s = this; s->parent_ != nullptr && !s->listening_.linked; s = s->parent_) {
        s->lock_.store(tree, std::memory_order_release);
        s->parent_->materialise_locked();
        s->listening_.linked = true;
        s->listening_.link.self = s;
        s->listening_.link.fire = &fire_link;
        s->parent_->insert_locked(s->listening_.link);
    }
}

bool stop_state::try_add(stop_node& node) noexcept {
    const std::lock_guard hold(lock());
    link_locked();
    if (stop_requested()) return false;
    insert_locked(node);
    return true;
}

void stop_state::add(stop_node& node) noexcept {
    const std::lock_guard hold(lock());
    link_locked();
    insert_locked(node);
    if (const stop_reason r = reason(); r != stop_reason::none) node.fire(&node, r);
}

void stop_state::remove(stop_node& node) noexcept {
    const std::lock_guard hold(lock());
    erase_locked(node);
}

std::stop_token stop_state::token() {
    std::stop_source source{std::nostopstate};
    bool already = false;
    {
        const std::lock_guard hold(lock());
        link_locked();
        if (listening_.source == nullptr) listening_.source = std::make_unique<std::stop_source>();
        source = *listening_.source;
        already = stop_requested();
    }
    if (already) source.request_stop();
    return source.get_token();
}

void stop_state::follow(stop_state* leader) noexcept {
    if (leader == nullptr) return adopt(nullptr);
    parent_ = nullptr;
    lock_.store(&leader->lock(), std::memory_order_release);
    const std::lock_guard hold(lock());
    leader->link_locked();
    materialise_locked();
    listening_.leader = leader;
    listening_.link.self = this;
    listening_.link.fire = &fire_link;
    leader->insert_locked(listening_.link);
    reason_.store(leader->reason(), std::memory_order_release);
}

void stop_state::unfollow() noexcept {
    const std::lock_guard hold(lock());
    if (!materialised_ || listening_.leader == nullptr) return;
    listening_.leader->erase_locked(listening_.link);
    listening_.leader = nullptr;
}

void stop_state::dismantle() noexcept {
    const std::lock_guard hold(lock());
    // Everything structured below has ended; what is left in the list are followers.
    for (stop_node *node = listening_.nodes, *next = nullptr; node != nullptr; node = next) {
        next = node->next;
        static_cast<link_node*>(node)->self->listening_.leader = nullptr;
    }
    stop_state* above = listening_.leader != nullptr ? listening_.leader : listening_.linked ? parent_ : nullptr;
    if (above != nullptr) above->erase_locked(listening_.link);
    std::destroy_at(&listening_);
    materialised_ = false;
}

}  // namespace cadre::detail
