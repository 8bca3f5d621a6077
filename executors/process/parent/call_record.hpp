/// @file
/// What the parent knows of one call between its submission and its end.
#pragma once

#include "process/plane/message.hpp"

#include <cadre/detail/scheduler/portable_call.hpp>

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <vector>

namespace cadre::detail::process_parent {

using time_point = std::chrono::steady_clock::time_point;

class worker_connection;
struct call_record;

/// Deadlines, earliest first.
using deadline_map = std::multimap<time_point, call_record*>;

struct call_record {
    portable_call* call = nullptr;
    std::uint32_t index = 0;       // in its table
    std::uint32_t generation = 0;  // of the place in the table: an old ticket finds nothing
    std::uint16_t entry = 0;
    std::uint64_t id = 0;
    bool nested = false;  // a task in a worker waits for it

    worker_connection* channel = nullptr;  // null: waits in the parent
    std::uint64_t position = 0;         // in the worker's request ring
    call_record* prev = nullptr;        // in the channel's list or in the queue
    call_record* next = nullptr;

    int retries = 0;
    stop_reason stop = stop_reason::none;  // the strongest that was passed on
    std::chrono::nanoseconds limit{0};     // of the running time; 0: none
    bool limit_passed = false;
    bool begun = false;
    time_point begun_at{};    // valid if begun; of a chunk: its current item
    std::uint32_t item = 0;   // chunk: the item that began last
    time_point kill_at{};     // not the epoch: asked to stop because of a limit or deadline, ended by force then
    deadline_map::iterator deadline{};
    bool has_deadline = false;

    byte_buffer partial{};  // chunk: committed results
    std::uint32_t items_done = 0;
    process_plane::block committed{};  // chunk: where the worker commits further ones
};

/// A doubly linked list of records; a record is in one list at most.
class record_list {
public:
    [[nodiscard]] bool empty() const noexcept { return head_ == nullptr; }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] call_record* front() const noexcept { return head_; }
    [[nodiscard]] call_record* back() const noexcept { return tail_; }

    void push_back(call_record& r) noexcept {
        r.prev = tail_;
        r.next = nullptr;
        (tail_ != nullptr ? tail_->next : head_) = &r;
        tail_ = &r;
        ++size_;
    }
    void push_front(call_record& r) noexcept {
        r.prev = nullptr;
        r.next = head_;
        (head_ != nullptr ? head_->prev : tail_) = &r;
        head_ = &r;
        ++size_;
    }
    void remove(call_record& r) noexcept {
        (r.prev != nullptr ? r.prev->next : head_) = r.next;
        (r.next != nullptr ? r.next->prev : tail_) = r.prev;
        r.prev = r.next = nullptr;
        --size_;
    }

private:
    call_record* head_ = nullptr;
    call_record* tail_ = nullptr;
    std::size_t size_ = 0;
};

/// All records of an executor. A ticket names a record to a worker; what comes back is checked against the table.
class call_table {
public:
    [[nodiscard]] call_record& make() {
        if (free_.empty()) {
            // Room for all of them first: `drop` must not fail.
            free_.reserve(records_.size() + 1);
            call_record& r = records_.emplace_back();
            r.index = static_cast<std::uint32_t>(records_.size() - 1);
            return r;
        }
        call_record& r = *free_.back();
        free_.pop_back();
        return r;
    }

    void drop(call_record& r) noexcept {
        const std::uint32_t index = r.index;
        const std::uint32_t generation = r.generation + 1;
        r = call_record{};
        r.index = index;
        r.generation = generation;
        free_.push_back(&r);
    }

    /// Every place, used or not (`call` is null then).
    [[nodiscard]] std::size_t size() const noexcept { return records_.size(); }
    [[nodiscard]] call_record& at(std::size_t index) noexcept { return records_[index]; }

    [[nodiscard]] static std::uint64_t ticket(const call_record& r) noexcept {
        return std::uint64_t{r.generation} << 32 | r.index;
    }
    /// Null if there is no such call any more, or never was.
    [[nodiscard]] call_record* find(std::uint64_t ticket) noexcept {
        const auto index = static_cast<std::uint32_t>(ticket);
        if (index >= records_.size()) return nullptr;
        call_record& r = records_[index];
        return r.call != nullptr && r.generation == ticket >> 32 ? &r : nullptr;
    }

private:
    std::deque<call_record> records_;
    std::vector<call_record*> free_;
};

/// The calls that wait in the parent for a worker: higher priority first, then first come first served.
class call_queue {
public:
    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }

    void push_back(call_record& r) {
        lists_[-r.call->options.priority].push_back(r);
        count(r, 1);
    }
    /// For a call that had its turn and comes back.
    void push_front(call_record& r) {
        lists_[-r.call->options.priority].push_front(r);
        count(r, 1);
    }
    [[nodiscard]] call_record* front() const noexcept {
        for (const auto& [priority, list] : lists_)
            if (!list.empty()) return list.front();
        return nullptr;
    }
    void remove(call_record& r) noexcept {
        lists_.find(-r.call->options.priority)->second.remove(r);
        count(r, -1);
    }
    [[nodiscard]] bool has_nested() const noexcept { return nested_ != 0; }
    /// The first one that a task in a worker waits for.
    [[nodiscard]] call_record* first_nested() const noexcept {
        for (const auto& [priority, list] : lists_)
            for (call_record* r = list.front(); r != nullptr; r = r->next)
                if (r->nested) return r;
        return nullptr;
    }

private:
    void count(const call_record& r, int by) noexcept {
        size_ += static_cast<std::size_t>(by);
        if (r.nested) nested_ += static_cast<std::size_t>(by);
    }

    std::map<int, record_list> lists_;
    std::size_t size_ = 0;
    std::size_t nested_ = 0;
};

}  // namespace cadre::detail::process_parent
