#include <cadre/detail/call/map_stream_link.hpp>

namespace cadre::detail {

map_stream_link::connection::connection(map_stream_link& link, completion_queue& queue, stop_state& stop) noexcept
    : link_(link), stop_(stop) {
    {
        const std::lock_guard hold(link_.mutex_);
        link_.queue_ = &queue;
    }
    node_.link = &link;
    node_.fire = [](stop_node* n, stop_reason) noexcept { static_cast<node*>(n)->link->signal(); };
    stop_.add(node_);
}

map_stream_link::connection::~connection() {
    stop_.remove(node_);
    const std::lock_guard hold(link_.mutex_);
    link_.queue_ = nullptr;
}

void map_stream_link::signal() noexcept {
    if (signalled_.exchange(true, std::memory_order_acq_rel)) return;
    const std::lock_guard hold(mutex_);
    if (queue_ != nullptr) queue_->push(signal_);
}

void map_stream_link::take_signal(completion_queue::nodes& completed) noexcept {
    completion_queue::nodes others;
    bool found = false;
    while (completion_queue::node* const n = completed.pop_front())
        if (n == &signal_)
            found = true;
        else
            others.push_back(*n);
    completed.splice_back(std::move(others));
    if (found) signalled_.store(false, std::memory_order_release);
}

void map_stream_link::count_delivery(std::size_t elements, bool last_of_batch) noexcept {
    const std::size_t delivered = delivered_.load(std::memory_order_relaxed) + elements;
    const auto order = last_of_batch ? std::memory_order_seq_cst : std::memory_order_relaxed;
    delivered_.store(delivered, order);
    if (delivered >= wake_at_.load(order)) signal();
}

bool map_stream_link::has_room(std::size_t sent, std::size_t limit, std::size_t items) noexcept {
    const auto fits = [&] { return undelivered(sent) + items <= limit; };
    if (fits()) {
        wake_at_.store(never, std::memory_order_relaxed);
        return true;
    }
    wake_at_.store(sent + items - limit, std::memory_order_seq_cst);
    return fits();
}

void map_stream_link::report(const progress_callback& progress, std::size_t done, std::size_t total) {
    const std::lock_guard hold(progress_mutex_);
    if (dropped_) return;
    struct mark {
        std::atomic<std::thread::id>& reporting;
        explicit mark(std::atomic<std::thread::id>& r) noexcept : reporting(r) {
            reporting.store(std::this_thread::get_id());
        }
        ~mark() { reporting.store({}); }
    } const here(reporting_);
    progress(done, total);
}

// The progress function itself may drop the stream: then its thread has the lock.
void map_stream_link::drop() noexcept {
    std::unique_lock hold(progress_mutex_, std::defer_lock);
    if (reporting_.load() != std::this_thread::get_id()) hold.lock();
    dropped_ = true;
}

}  // namespace cadre::detail
