/// @file
/// An intrusive list of call records.
#pragma once

#include "process/parent/call_record.hpp"

#include <cstddef>

namespace cadre::detail::process_parent {

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

}  // namespace cadre::detail::process_parent
