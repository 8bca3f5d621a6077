#include <cadre/detail/scheduler/timer_heap.hpp>

#include <utility>

namespace cadre::detail {

void timer_heap::set(std::size_t i, timer_node* node) noexcept {
    heap_[i] = node;
    node->index = i;
}

void timer_heap::sift_up(std::size_t i) noexcept {
    timer_node* node = heap_[i];
    while (i > 0) {
        const std::size_t parent = (i - 1) / 2;
        if (heap_[parent]->when <= node->when) break;
        set(i, heap_[parent]);
        i = parent;
    }
    set(i, node);
}

void timer_heap::sift_down(std::size_t i) noexcept {
    timer_node* node = heap_[i];
    for (;;) {
        std::size_t child = 2 * i + 1;
        if (child >= heap_.size()) break;
        if (child + 1 < heap_.size() && heap_[child + 1]->when < heap_[child]->when) ++child;
        if (node->when <= heap_[child]->when) break;
        set(i, heap_[child]);
        i = child;
    }
    set(i, node);
}

void timer_heap::remove(std::size_t i) noexcept {
    heap_[i]->index = npos;
    timer_node* last = heap_.back();
    heap_.pop_back();
    if (i < heap_.size()) {
        set(i, last);
        sift_up(i);
        sift_down(last->index);
    }
    size_hint_.store(heap_.size(), std::memory_order_release);
}

void timer_heap::add(timer_node& node) {
    bool first = false;
    const steady_time when = node.when;  // the node may fire, and be destroyed, once the lock is released
    {
        const std::lock_guard hold(mutex_);
        heap_.push_back(&node);
        node.index = heap_.size() - 1;
        sift_up(node.index);
        first = node.index == 0;
        size_hint_.store(heap_.size(), std::memory_order_seq_cst);
    }
    if (first) earlier(when);
}

bool timer_heap::cancel(timer_node& node) noexcept {
    const std::lock_guard hold(mutex_);
    if (node.index == npos) return false;
    remove(node.index);
    return true;
}

bool timer_heap::fire_due(steady_time now) noexcept {
    bool any = false;
    for (;;) {
        timer_node* node = nullptr;
        {
            const std::lock_guard hold(mutex_);
            if (heap_.empty() || heap_.front()->when > now) return any;
            node = heap_.front();
            remove(0);
        }
        node->fire(node);
        any = true;
    }
}

// A thread that has announced its sleep sees here the size that `add` stores, or `earlier` sees that it sleeps: both
// sides are sequentially consistent.
std::optional<steady_time> timer_heap::next() const noexcept {
    if (size_hint_.load(std::memory_order_seq_cst) == 0) return std::nullopt;
    const std::lock_guard hold(mutex_);
    if (heap_.empty()) return std::nullopt;
    return heap_.front()->when;
}

}  // namespace cadre::detail
