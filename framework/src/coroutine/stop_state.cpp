#include <cadre/detail/coroutine/stop_state.hpp>

#include <array>
#include <utility>

#include <cadre/detail/coroutine/environment.hpp>

namespace cadre::detail {

namespace {

// Trees share locks, which are held briefly. Never destroyed: jobs may outlive static objects.
std::array<std::mutex, 64>& lock_table() {
    static auto* table = new std::array<std::mutex, 64>;
    return *table;
}

}  // namespace

// The lock of the nearest state above that has one; a root without one takes one from the table. The states in between
// get it as well. Otherwise, if each state of a deep tree needed its lock, from the deepest state up, each of them
// would walk up to the root.
std::mutex& stop_state::lock() noexcept {
    stop_state* s = this;
    std::mutex* known = nullptr;
    for (; (known = s->lock_.load(std::memory_order_acquire)) == nullptr && s->parent_ != nullptr; s = s->parent_) {
    }
    if (known == nullptr) {
        static std::atomic<unsigned> turn{0};
        std::mutex* const fresh = &lock_table()[turn.fetch_add(1, std::memory_order_relaxed) % 64];
        // Another thread may set it at the same time.
        if (s->lock_.compare_exchange_strong(known, fresh, std::memory_order_acq_rel)) known = fresh;
    }
    for (stop_state* below = this; below != s; below = below->parent_)
        below->lock_.store(known, std::memory_order_release);
    return *known;
}

// Tokens are requested before waiting tasks are woken, so that a woken task finds its token requested; and without the
// lock, because their callbacks are user code.
void stop_state::request_stop(stop_reason why) noexcept {
    std::vector<std::stop_source> sources;
    request here;
    std::mutex& tree = lock();
    {
        const std::lock_guard hold(tree);
        if (reason_.load(std::memory_order_relaxed) >= why) return;
        mark_locked(why, &sources);
        if (sources.empty()) return announce_locked(why);
        here.next = std::exchange(listening_.requests, &here);
    }
    call_callbacks(sources);
    const std::lock_guard hold(tree);
    if (here.state_destroyed) return;
    request** r = &listening_.requests;
    while (*r != &here)
        r = &(*r)->next;
    *r = here.next;
    announce_locked(why);
}

// A callback may resume a coroutine of another task.
void stop_state::call_callbacks(std::vector<std::stop_source>& sources) noexcept {
    environment* const here = current_environment();
    for (std::stop_source& source : sources)
        source.request_stop();
    set_current_environment(here);
}

void stop_state::mark(stop_reason why, std::vector<std::stop_source>& sources) noexcept {
    const std::lock_guard hold(lock());
    mark_locked(why, &sources);
}

void stop_state::announce() noexcept {
    const std::lock_guard hold(lock());
    if (const stop_reason why = reason_.load(std::memory_order_relaxed); why != stop_reason::none) announce_locked(why);
}

void stop_state::fire_link(stop_node* node, stop_reason why) noexcept {
    stop_state& self = *static_cast<link_node*>(node)->self;
    self.mark_locked(why, nullptr);
    self.announce_locked(why);
}

// The link of a state that is only listed.
void stop_state::ignore_request(stop_node* /*node*/, stop_reason /*why*/) noexcept {}

// Through all states that are linked below this one, in the order of the lists. A loop, and not a recursion: tasks are
// nested as deep as memory allows. `enter` returns whether the states below a state are visited as well; `visit` gets
// every other listener.
template <class Enter, class Visit>
void stop_state::walk_locked(Enter enter, Visit visit) noexcept {
    if (!enter(*this)) return;
    stop_state* at = this;
    stop_node* node = materialised_ ? listening_.nodes.front() : nullptr;
    for (;;) {
        while (node == nullptr) {
            if (at == this) return;
            node = listener_list::next(at->listening_.link);
            at = at->listening_.above;
        }
        if (node->fire != &fire_link) {
            stop_node* const next = listener_list::next(*node);  // read before the listener is notified: it may end
            visit(*node);
            node = next;
            continue;
        }
        stop_state& below = *static_cast<link_node&>(*node).self;
        if (enter(below) && !below.listening_.nodes.empty()) {
            at = &below;
            node = below.listening_.nodes.front();
        } else {
            node = listener_list::next(*node);
        }
    }
}

void stop_state::materialise_locked() noexcept {
    if (materialised_) return;
    std::construct_at(&listening_);
    materialised_ = true;
}

// Registers this state as a listener of `above`.
void stop_state::link_to_locked(stop_state& above, void (*fire)(stop_node*, stop_reason) noexcept) noexcept {
    materialise_locked();
    above.materialise_locked();
    listening_.above = &above;
    listening_.link.self = this;
    listening_.link.fire = fire;
    above.listening_.nodes.push_front(listening_.link);
}

void stop_state::mark_locked(stop_reason why, std::vector<std::stop_source>* sources) noexcept {
    walk_locked(
        [&](stop_state& s) {
            if (s.reason_.load(std::memory_order_relaxed) >= why) return false;
            s.reason_.store(why, std::memory_order_release);
            if (s.materialised_ && s.listening_.source != nullptr && sources != nullptr)
                sources->push_back(*s.listening_.source);
            return true;
        },
        [](stop_node&) {});
}

// May fire a listener twice for one request; listeners are idempotent. A state that follows this one may have been made
// after the states were marked.
void stop_state::announce_locked(stop_reason why) noexcept {
    walk_locked(
        [&](stop_state& s) {
            if (s.reason_.load(std::memory_order_relaxed) < why) s.reason_.store(why, std::memory_order_release);
            return true;
        },
        [&](stop_node& node) { node.fire(&node, why); });
}

void stop_state::visit_listeners(void (*visit)(const stop_node&, void*), void* context) {
    const std::lock_guard hold(lock());
    visit_locked(visit, context);
}

void stop_state::visit_locked(void (*visit)(const stop_node&, void*), void* context) {
    if (!materialised_) return;
    for (stop_node& node : listening_.nodes)
        if (node.fire != &fire_link && node.fire != &ignore_request)
            visit(node, context);
        else
            static_cast<link_node&>(node).self->visit_locked(visit, context);
}

// Links the whole chain above, so that a request anywhere reaches this state.
void stop_state::link_locked() noexcept {
    materialise_locked();
    for (stop_state* s = this; s->parent_ != nullptr && s->listening_.above == nullptr; s = s->parent_)
        s->link_to_locked(*s->parent_);
}

bool stop_state::try_add(stop_node& node) noexcept {
    const std::lock_guard hold(lock());
    link_locked();
    if (stop_requested()) return false;
    listening_.nodes.push_front(node);
    return true;
}

void stop_state::add(stop_node& node) noexcept {
    const std::lock_guard hold(lock());
    link_locked();
    listening_.nodes.push_front(node);
    if (const stop_reason r = reason(); r != stop_reason::none) node.fire(&node, r);
}

void stop_state::remove(stop_node& node) noexcept {
    const std::lock_guard hold(lock());
    listening_.nodes.remove(node);
}

std::stop_token stop_state::token() {
    std::stop_source source{std::nostopstate};
    bool already = false;
    {
        const std::lock_guard hold(lock());
        link_locked();
        if (listening_.source == nullptr) listening_.source.reset(new std::stop_source);
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
    link_to_locked(*leader);
    reason_.store(leader->reason(), std::memory_order_release);
}

void stop_state::list_below(stop_state* above) noexcept {
    if (above == nullptr) return;
    lock_.store(&above->lock(), std::memory_order_release);
    const std::lock_guard hold(lock());
    above->link_locked();
    link_to_locked(*above, &ignore_request);
}

void stop_state::unfollow() noexcept {
    const std::lock_guard hold(lock());
    if (parent_ != nullptr || !materialised_ || listening_.above == nullptr) return;
    std::exchange(listening_.above, nullptr)->listening_.nodes.remove(listening_.link);
}

void stop_state::dismantle() noexcept {
    const std::lock_guard hold(lock());
    for (request* r = listening_.requests; r != nullptr; r = r->next)
        r->state_destroyed = true;
    // All children have ended; the nodes left in the list are those of followers and of listed states.
    for (stop_node& node : listening_.nodes)
        static_cast<link_node&>(node).self->listening_.above = nullptr;
    if (listening_.above != nullptr) listening_.above->listening_.nodes.remove(listening_.link);
    std::destroy_at(&listening_);
    materialised_ = false;
}

}  // namespace cadre::detail
