#include "state/home_service.hpp"

#include <chrono>
#include <new>
#include <thread>
#include <utility>

#include <cadre/errors.hpp>

#include "state/home_operation.hpp"

namespace cadre::detail {

namespace {

constexpr std::size_t max_waits = std::size_t{1} << 15;        // of one worker
constexpr std::size_t max_received = 2 * max_waits;            // of one worker, that are not confirmed

byte_buffer status(op_status outcome) {
    byte_buffer answer;
    put(answer, outcome);
    return answer;
}

}  // namespace

void home_service::request(home_client from, std::uint64_t ticket, std::span<const std::byte> request) noexcept {
    clear_done();
    byte_buffer answer;
    try {
        decoder in(request);
        answer = handle(from, ticket, in);
        answer.reserve(answer.size() + home_answers::spare);
    } catch (const executor_stopped&) {
        answer = status(op_status::stopped);
    } catch (const std::bad_alloc&) {
        answer = status(op_status::exhausted);
    } catch (const std::exception&) {
        answer = status(op_status::broken);
    }
    if (ticket != 0 && !answer.empty()) answers_.answer(from, ticket, std::move(answer));
}

void home_service::clear_done() noexcept {
    std::shared_ptr<operation> done;
    {
        const std::lock_guard hold(mutex_);
        done.swap(done_);
    }
    while (done != nullptr)  // a loop instead of recursion: the destructor of one may add the next
        done = std::exchange(done->next_done, nullptr);
}

void home_service::begin(home_client from, std::uint64_t ticket, std::shared_ptr<operation> op) {
    {
        const std::lock_guard hold(mutex_);
        session& s = session_of(from);
        // A worker that confirms nothing would let messages accumulate here.
        if (s.waits.size() >= max_waits || s.received.size() >= max_received) throw std::bad_alloc();
        if (s.received.contains(ticket) || !s.waits.emplace(ticket, op).second)
            throw_malformed("a ticket is used twice");
        op->self = op;
    }
    if (op->waits()) return op->start();
    op->outcome = op->perform();
    completed(*op);
}

void home_service::stop(home_client from, std::uint64_t ticket) noexcept {
    std::shared_ptr<operation> op;
    {
        const std::lock_guard hold(mutex_);
        if (const auto s = sessions_.find(from); s != sessions_.end())
            if (const auto found = s->second.waits.find(ticket); found != s->second.waits.end()) op = found->second;
    }
    if (op == nullptr) return;
    op->stopping = true;
    shared_object::cancel(*op);  // without effect if it has been performed
}

void home_service::wait_for_completions(std::chrono::steady_clock::time_point deadline) noexcept {
    for (;;) {
        clear_done();
        if (operations_.load(std::memory_order_acquire) == 0 || std::chrono::steady_clock::now() >= deadline) return;
        std::this_thread::sleep_for(std::chrono::microseconds(50));  // between two instructions of another thread
    }
}

}  // namespace cadre::detail
