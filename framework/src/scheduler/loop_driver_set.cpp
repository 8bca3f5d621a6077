#include "loop_driver_set.hpp"

#include "loop_control.hpp"
#include "loop_driver.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <ctime>
#include <span>
#include <thread>

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cadre/detail/base/asymmetric_fence.hpp>
#include <cadre/detail/base/compiler.hpp>

namespace cadre::detail {

namespace {

constexpr unsigned item_budget = 256;
// How often a driver runs its own loop alone before a whole turn, and how many items each time.
constexpr unsigned own_turns = 16;
constexpr unsigned own_item_budget = item_budget / own_turns;
constexpr int own_polls = 32;
// Another process may consume a ring, or lose the descriptor that it should write. Therefore the poller polls its
// sources at least at this interval.
constexpr std::chrono::seconds max_sleep{1};
// The interval of polls if there is no descriptor to sleep on.
constexpr std::chrono::milliseconds sleep_without_descriptor{10};
// The interval at which a virtual clock that follows real time is moved.
constexpr std::chrono::milliseconds paced_step{1};

int new_eventfd() { return ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); }

struct thread_descriptor {
    int fd = -1;
    process_owner owner{};
    ~thread_descriptor() {
        if (fd >= 0) ::close(fd);
    }
};

int this_thread_descriptor() {
    static thread_local thread_descriptor own;
    if (own.fd < 0 || !own.owner.here()) {
        own.fd = new_eventfd();
        own.owner = process_owner();
    }
    return own.fd;
}

// @return false if the descriptor is closed
bool wait_readable(int fd, std::optional<steady_time> deadline) noexcept {
    timespec left{};
    timespec* limit = nullptr;
    if (deadline) {
        const auto d = std::max(std::chrono::nanoseconds(0),
                                std::chrono::nanoseconds(*deadline - std::chrono::steady_clock::now()));
        left.tv_sec = static_cast<time_t>(d.count() / 1'000'000'000);
        left.tv_nsec = static_cast<long>(d.count() % 1'000'000'000);
        limit = &left;
    }
    pollfd p{fd, POLLIN, 0};
    if (::ppoll(&p, 1, limit, nullptr) <= 0) return true;
    std::uint64_t count = 0;
    [[maybe_unused]] const auto n = ::read(fd, &count, sizeof count);
    return (p.revents & POLLNVAL) == 0;
}

}  // namespace

loop_driver_set::driver::~driver() {
    for (run_loop* loop : kept)
        give_back(*loop);
    if (own == nullptr) return;
    if (holds_own) static_cast<void>(own->release());
    own->end_reservation();
}

loop_driver_set& loop_driver_set::instance() {
    static auto* all = new loop_driver_set;  // loops may outlive static destruction
    return *all;
}

void loop_driver_set::add(run_loop& loop) {
    const std::lock_guard hold(loops_mutex_);
    loops_.push_back(&loop);
    loop_count_.store(loops_.size(), std::memory_order_relaxed);
    if (loop.control() != nullptr) controlled_.fetch_add(1, std::memory_order_relaxed);
}

void loop_driver_set::remove(run_loop& loop) {
    const std::lock_guard hold(loops_mutex_);
    std::erase(loops_, &loop);
    loop_count_.store(loops_.size(), std::memory_order_relaxed);
    if (loop.control() != nullptr) controlled_.fetch_sub(1, std::memory_order_relaxed);
}

void loop_driver_set::add(event_source& source) {
    sources_.add(source);
    wake();  // a sleeping poller has not announced its sleep to the new source
}

int loop_driver_set::poller_descriptor() {
    const std::lock_guard hold(drivers_mutex_);
    if (poller_descriptor_.load(std::memory_order_relaxed) < 0 || !poller_descriptor_owner_.here()) {
        poller_descriptor_.store(new_eventfd());
        poller_descriptor_owner_ = process_owner();
    }
    return poller_descriptor_.load(std::memory_order_relaxed);
}

void loop_driver_set::set_poller_descriptor(int descriptor) {
    {
        const std::lock_guard hold(drivers_mutex_);
        poller_descriptor_.store(descriptor);
        poller_descriptor_owner_ = process_owner();
    }
    wake();  // a poller that sleeps on the previous descriptor
}

bool loop_driver_set::poll_sources() {
    bool any = fire_unattended_timers();
    sources_.for_each([&](event_source& source) { any |= source.poll(); });
    return any;
}

// The fast path between the answer of another thread and the next call: takes no lock and polls nothing else. While
// answers arrive quickly, it polls for one as long as a whole turn would take, and keeps the loop for several answers.
bool loop_driver_set::run_own_loop(driver& self, const std::function<bool()>& done) {
    run_loop& own = *self.own;  // its home outlives the driver
    const int polls = self.local_answers.budget().count() != 0 ? own_polls : 0;
    const auto arrives = [&] {
        for (int i = 0; !own.ready(); ++i) {
            if (i == polls) return false;
            cpu_relax();
        }
        return true;
    };
    if (!self.holds_own || !arrives()) return false;
    const bool kept = self.keeps(own);
    if (!kept && own.events() != nullptr) return false;
    bool any = false;
    for (unsigned turn = 0; turn != own_turns; ++turn) {
        any |= own.run_some(own_item_budget, true);
        if (done() || (!kept && own.events() != nullptr) || !arrives()) break;
    }
    return any;
}

// Whether the driver's own loop, which it holds, is the only one of the process. A loop that another thread adds
// meanwhile counts from the next turn on: its items come after that, and `sleep` looks at all loops under the mutex.
bool loop_driver_set::drives_only_own(const driver& self) const noexcept {
    return self.holds_own && loop_count_.load(std::memory_order_relaxed) == 1;
}

// Under the mutex. A loop that is not worth a pin now counts from the next turn on, and `sleep` looks at it once more.
bool loop_driver_set::may_have_work(const driver& self, const run_loop& loop) {
    return &loop == self.own || loop.has_submitted() || loop.next_deadline() || loop.events() != nullptr ||
           self.keeps(loop);
}

bool loop_driver_set::run_loops(driver& self) {
    // The home of the own loop outlives the driver, so a loop without a reactor needs no pin. With a virtual clock or a
    // seed all loops have their turn in the order of the list, also for what an earlier one submits to a later one.
    const bool in_order = controlled_.load(std::memory_order_relaxed) != 0;
    const bool runs_own = !in_order && self.holds_own && self.own->events() == nullptr;
    if (!runs_own || !drives_only_own(self)) {
        const std::lock_guard hold(loops_mutex_);
        for (run_loop* loop : loops_)
            if (!(runs_own && loop == self.own) && (in_order || may_have_work(self, *loop)) && loop->pin())
                self.turn.push_back(loop);
    }
    bool any = runs_own && self.own->run_some(item_budget, true);
    for (run_loop* loop : self.turn)
        any |= run_loop_of(self, *loop);
    self.turn.clear();
    return any;
}

// Takes over one pin on the loop.
bool loop_driver_set::run_loop_of(driver& self, run_loop& loop) {
    const bool own = self.own == &loop;
    if (self.keeps(loop)) {
        loop.unpin();  // the pin of `kept` remains
        const bool any = loop.run_some(item_budget, own);
        if (loop.last_pin() || (!own && loop.is_reserved())) {
            std::erase(self.kept, &loop);
            self.give_back(loop);
        }
        return any;
    }
    bool any = false;
    if (own ? self.holds_own : loop.hold()) {
        any = loop.run_some(item_budget, own);
        if (loop.events() != nullptr) {
            self.kept.push_back(&loop);
            return any;
        }
        if (!own) driver::release(loop);
    }
    loop.unpin();
    return any;
}

std::optional<steady_time> loop_driver_set::next_deadline() {
    std::optional<steady_time> earliest;
    const std::lock_guard hold(loops_mutex_);
    for (const run_loop* loop : loops_)
        if (const auto t = loop->next_deadline(); t && (!earliest || *t < *earliest)) earliest = t;
    return earliest;
}

// If the process has no descriptor left for this thread, no other thread can wake it: it polls.
std::optional<steady_time> loop_driver_set::end_of_sleep(const driver& self, int descriptor) {
    std::optional<steady_time> next = next_deadline();
    if (const auto t = self.poller ? next_unattended_timer() : std::nullopt; t) next = next ? std::min(*next, *t) : *t;
    std::optional<std::chrono::nanoseconds> longest;
    if (self.paced)
        longest = paced_step;
    else if (descriptor < 0)
        longest = sleep_without_descriptor;
    else if (self.poller && !sources_.empty())
        longest = max_sleep;
    if (!longest) return next;
    const steady_time latest = std::chrono::steady_clock::now() + *longest;
    return next ? std::min(*next, latest) : latest;
}

void loop_driver_set::wait_for_ring(int descriptor, std::optional<steady_time> end) noexcept {
    if (wait_readable(descriptor, end)) return;
    if (auto* const notify = lost_descriptor_.load(std::memory_order_acquire); notify != nullptr) notify();
    std::this_thread::sleep_for(sleep_without_descriptor);
}

// A loop that another thread drives counts as not ready: that thread polls again before it sleeps, and wakes this one
// when it returns. If it returned before this thread announced its sleep, the loop's reactor is found here, and needs a
// sleeper; so does a reactor that another thread has made for the own loop since its turn. A loop that this thread
// keeps and another one has reserved is to be released.
bool loop_driver_set::anything_ready(const driver& self) {
    const std::lock_guard hold(loops_mutex_);
    return std::ranges::any_of(loops_, [&](const run_loop* loop) {
        if (loop == self.own && !self.holds_own) return loop->can_be_held(true);
        if (loop == self.own) return loop->ready() || (loop->events() != nullptr && !self.keeps(*loop));
        if (self.keeps(*loop)) return loop->has_submitted() || loop->is_reserved();
        return loop->can_be_held(false) && (loop->has_submitted() || loop->events() != nullptr);
    });
}

// Another driver may hold the loop when it is reserved: it releases it after the item that it runs.
bool loop_driver_set::hold_own_loop(driver& self) {
    if (self.own == nullptr || self.holds_own) return self.holds_own;
    self.holds_own = self.own->hold_reserved();
    if (self.holds_own) self.own->begin_polling();
    return self.holds_own;
}

bool loop_driver_set::try_become_poller(driver& self) {
    if (self.poller) return true;
    const std::lock_guard hold(drivers_mutex_);
    if (poller_ != nullptr) return false;
    poller_ = &self;
    self.poller = true;
    return true;
}

std::string loop_driver_set::drive(const std::function<bool()>& done, run_loop* own) {
    std::optional<driver> here(std::in_place);
    driver& self = *here;
    self.own = own;
    {
        const std::lock_guard hold(drivers_mutex_);
        active_.push_back(&self);
    }
    if (own != nullptr && !hold_own_loop(self)) wake();  // the holder may sleep in the loop's reactor
    for (bool whole = true; !done(); whole = !whole) {
        if (hold_own_loop(self) && !whole && run_own_loop(self, done)) continue;
        bool any = run_loops(self);
        const bool poller = try_become_poller(self);
        if (poller) any |= poll_sources();
        if (any || done()) continue;
        if (controlled_.load(std::memory_order_relaxed) != 0 && advance(self)) [[unlikely]]
            continue;
        if (poller) {
            sources_.for_each([](event_source& s) { s.announce_polling(); });
            const bool found = spin(self, done);
            sources_.for_each([](event_source& s) { s.announce_busy(); });
            if (found || poll_sources()) continue;
        }
        if (spin_for_local_work(self, done)) continue;
        sleep(self, done);
    }
    if (self.holds_own) own->end_polling();
    {
        const std::lock_guard hold(drivers_mutex_);
        std::erase(active_, &self);
        if (poller_ == &self) poller_ = nullptr;
    }
    std::string deadlock = std::move(self.deadlock);
    here.reset();
    full_fence();  // the loops are released before sleepers are looked up
    wake();  // another driver takes the loops over
    return deadlock;
}

void loop_driver_set::sleep(driver& self, const std::function<bool()>& done) {
    if (self.holds_own) self.own->end_polling();
    int fd = self.poller ? poller_descriptor() : this_thread_descriptor();
    // Announces the sleep, then polls everything once more. A submitter publishes, then looks for sleepers.
    self.asleep_on.store(fd, std::memory_order_seq_cst);
    sleeping_.fetch_add(1, std::memory_order_seq_cst);
    if (self.poller) {
        sources_.for_each([](event_source& s) { s.announce_sleep(); });
        // A new source may have brought the descriptor that its ringers write: read it again.
        fd = poller_descriptor();
        self.asleep_on.store(fd, std::memory_order_seq_cst);
    }
    const bool work = anything_ready(self) || done() || (self.poller && poll_sources());
    bool orphaned = false;
    if (!self.poller) {
        const std::lock_guard hold(drivers_mutex_);
        orphaned = poller_ == nullptr;
    }
    if (!work && !orphaned) {
        const auto begin = std::chrono::steady_clock::now();
        const std::optional<steady_time> end = end_of_sleep(self, fd);
        if (self.kept.empty())
            wait_for_ring(fd, end);
        else
            sleep_in_reactors(self, fd, end, done);
        const auto now = std::chrono::steady_clock::now();
        if (self.holds_own && self.own->ready())
            self.local_answers.record_sleep(now - begin);
        else if (self.poller && (!end || now < *end))
            self.remote_answers.record_sleep(now - begin);
    }
    if (self.poller) sources_.for_each([](event_source& s) { s.announce_awake(); });
    sleeping_.fetch_sub(1, std::memory_order_relaxed);
    self.asleep_on.store(-1, std::memory_order_relaxed);
    if (self.holds_own) self.own->begin_polling();
}

// While handlers run the thread remains announced as asleep: most of them resume a task that only starts the next
// operation, and a turn of the drive loop would cost more than the task. After each task it checks whether to leave.
void loop_driver_set::sleep_in_reactors(driver& self, int bell, std::optional<steady_time> end,
                                        const std::function<bool()>& done) {
    const std::span others(std::span(self.kept).subspan(1));
    for (run_loop* loop : others)
        self.others.send(*loop->events());
    self.kept.front()->sleep_in_reactor(
        bell, end, [&] { return self.asleep_on.load(std::memory_order_relaxed) == bell && !done(); });
    if (!others.empty()) self.others.recall();
}

void loop_driver_set::wake() noexcept {
    if (sleeping_.load(std::memory_order_seq_cst) == 0) return;
    const std::lock_guard hold(drivers_mutex_);
    for (driver* d : active_)
        if (const int fd = d->asleep_on.exchange(-1, std::memory_order_acq_rel); fd >= 0) {
            if (d->thread == std::this_thread::get_id()) {
                reactor_lease::leave_soon();  // in a handler
                continue;
            }
            const std::uint64_t one = 1;
            [[maybe_unused]] const auto n = ::write(fd, &one, sizeof one);
        }
}

}  // namespace cadre::detail
