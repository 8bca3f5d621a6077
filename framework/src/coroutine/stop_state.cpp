#include <cadre/detail/stop_state.hpp>

#include <array>

namespace cadre::detail {

namespace {

// Trees share locks; a lock is held only for moments. Never destroyed: jobs may outlive static objects.
std::array<std::mutex, 64>& lock_table() {
    static auto* table = new std::array<std::mutex, 64>;
    return *table;
}

}  // namespace

std::mutex* stop_state::pick_lock() noexcept {
    static std::atomic<unsigned> turn{0};
    return &lock_table()[turn.fetch_add(1, std::memory_order_relaxed) % 64];
}

stop_state::stop_state() noexcept : lock_(pick_lock()) {}

// Tokens are requested before waiting tasks are woken, so that a woken task finds its token requested; and without the
// lock, because their callbacks are the user's code.
void stop_state::request_stop(stop_reason why) noexcept {
    std::vector<std::stop_source> sources;
    {
        const std::lock_guard hold(*lock_);
        if (reason_.load(std::memory_order_relaxed) >= why) return;
        mark_locked(why, &sources);
        if (sources.empty()) return announce_locked(why);
    }
    for (std::stop_source& source : sources)
        source.request_stop();
    const std::lock_guard hold(*lock_);
    announce_locked(why);
}

void stop_state::fire_link(stop_node* node, stop_reason why) noexcept {
    stop_state& self = *static_cast<link_node*>(node)->self;
    self.mark_locked(why, nullptr);
    self.announce_locked(why);
}

void stop_state::mark_locked(stop_reason why, std::vector<std::stop_source>* sources) noexcept {
    if (reason_.load(std::memory_order_relaxed) >= why) return;
    reason_.store(why, std::memory_order_release);
    if (source_ != nullptr && sources != nullptr) sources->push_back(*source_);
    for (stop_node* node = nodes_; node != nullptr; node = node->next)
        if (node->fire == &fire_link) static_cast<link_node*>(node)->self->mark_locked(why, sources);
}

// Listeners may hear of one request twice; they are idempotent.
void stop_state::announce_locked(stop_reason why) noexcept {
    for (stop_node *node = nodes_, *next = nullptr; node != nullptr; node = next) {
        next = node->next;
        node->fire(node, why);
    }
}

// Links the whole chain above, so that a request anywhere reaches this state.
void stop_state::link_locked() noexcept {
    for (stop_state* s = this; s->parent_ != nullptr && !s->linked_; s = s->parent_) {
        stop_state* parent = s->parent_;
        s->linked_ = true;
        s->materialised_ = true;
        s->link_.self = s;
        s->link_.fire = &fire_link;
        s->link_.prev = nullptr;
        s->link_.next = parent->nodes_;
        if (parent->nodes_ != nullptr) parent->nodes_->prev = &s->link_;
        parent->nodes_ = &s->link_;
    }
}

bool stop_state::try_add(stop_node& node) noexcept {
    const std::lock_guard hold(*lock_);
    link_locked();
    if (stop_requested()) return false;
    materialised_ = true;
    node.prev = nullptr;
    node.next = nodes_;
    if (nodes_ != nullptr) nodes_->prev = &node;
    nodes_ = &node;
    return true;
}

void stop_state::add(stop_node& node) noexcept {
    const std::lock_guard hold(*lock_);
    link_locked();
    materialised_ = true;
    node.prev = nullptr;
    node.next = nodes_;
    if (nodes_ != nullptr) nodes_->prev = &node;
    nodes_ = &node;
    if (const stop_reason r = reason(); r != stop_reason::none) node.fire(&node, r);
}

void stop_state::remove(stop_node& node) noexcept {
    const std::lock_guard hold(*lock_);
    (node.prev != nullptr ? node.prev->next : nodes_) = node.next;
    if (node.next != nullptr) node.next->prev = node.prev;
    node.prev = node.next = nullptr;
}

std::stop_token stop_state::token() {
    std::stop_token result;
    bool already = false;
    {
        const std::lock_guard hold(*lock_);
        link_locked();
        materialised_ = true;
        if (source_ == nullptr) source_ = std::make_unique<std::stop_source>();
        result = source_->get_token();
        already = stop_requested();
    }
    if (already) source_->request_stop();
    return result;
}

void stop_state::follow(stop_state* leader) noexcept {
    if (leader == nullptr) return adopt(nullptr);
    parent_ = nullptr;
    lock_ = leader->lock_;
    const std::lock_guard hold(*lock_);
    leader->link_locked();
    leader->materialised_ = true;
    leader_ = leader;
    materialised_ = true;
    link_.self = this;
    link_.fire = &fire_link;
    link_.prev = nullptr;
    link_.next = leader->nodes_;
    if (leader->nodes_ != nullptr) leader->nodes_->prev = &link_;
    leader->nodes_ = &link_;
    reason_.store(leader->reason(), std::memory_order_release);
}

void stop_state::unfollow() noexcept {
    const std::lock_guard hold(*lock_);
    if (leader_ == nullptr) return;
    (link_.prev != nullptr ? link_.prev->next : leader_->nodes_) = link_.next;
    if (link_.next != nullptr) link_.next->prev = link_.prev;
    leader_ = nullptr;
}

void stop_state::dismantle() noexcept {
    const std::lock_guard hold(*lock_);
    // Everything structured below has ended; what is left in the list are followers.
    for (stop_node *node = nodes_, *next = nullptr; node != nullptr; node = next) {
        next = node->next;
        static_cast<link_node*>(node)->self->leader_ = nullptr;
    }
    nodes_ = nullptr;
    stop_state* above = leader_ != nullptr ? leader_ : linked_ ? parent_ : nullptr;
    if (above == nullptr) return;
    (link_.prev != nullptr ? link_.prev->next : above->nodes_) = link_.next;
    if (link_.next != nullptr) link_.next->prev = link_.prev;
    linked_ = false;
    leader_ = nullptr;
}

}  // namespace cadre::detail
