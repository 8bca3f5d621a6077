/// @file
/// Intrusive containers: a doubly linked list and a singly linked queue. They own nothing, allocate nothing and take no
/// lock; the owner of a container synchronises access to it and to the links of its elements.
#pragma once

#include <cstddef>
#include <type_traits>

namespace cadre::detail {

/// The links of an element of an `intrusive_list`, a data member of the element. Both are null outside of a list.
template <class T>
struct list_links {
    T* prev = nullptr;
    T* next = nullptr;
};

/// A doubly linked list of elements that hold their links in the member `Links`. An element is in at most one list at a
/// time. Every operation is O(1). `Counted` lists also know their size.
///
///     struct job { list_links<job> links; };
///     intrusive_list<job, &job::links> jobs;
template <class T, list_links<T> T::* Links, bool Counted = false>
class intrusive_list {
public:
    intrusive_list() noexcept = default;
    intrusive_list(const intrusive_list&) = delete;
    intrusive_list& operator=(const intrusive_list&) = delete;

    /// Forward iterator that reads the next element before the current one is used: the body of a loop may remove or
    /// destroy the current element.
    class iterator {
    public:
        explicit iterator(T* at) noexcept : at_(at), next_(at != nullptr ? intrusive_list::next(*at) : nullptr) {}
        [[nodiscard]] T& operator*() const noexcept { return *at_; }
        iterator& operator++() noexcept { return *this = iterator(next_); }
        [[nodiscard]] bool operator==(const iterator& other) const noexcept { return at_ == other.at_; }

    private:
        T* at_;
        T* next_;
    };
    [[nodiscard]] iterator begin() const noexcept { return iterator(head_); }
    [[nodiscard]] iterator end() const noexcept { return iterator(nullptr); }

    [[nodiscard]] bool empty() const noexcept { return head_ == nullptr; }
    [[nodiscard]] std::size_t size() const noexcept
        requires Counted
    {
        return size_;
    }
    /// The first and the last element; null if the list is empty.
    [[nodiscard]] T* front() const noexcept { return head_; }
    [[nodiscard]] T* back() const noexcept { return tail_; }
    /// The neighbours of an element; null at the ends.
    [[nodiscard]] static T* prev(const T& element) noexcept { return (element.*Links).prev; }
    [[nodiscard]] static T* next(const T& element) noexcept { return (element.*Links).next; }
    /// Whether `element` is in this list; it must not be in another one.
    [[nodiscard]] bool contains(const T& element) const noexcept {
        return prev(element) != nullptr || head_ == &element;
    }

    void push_back(T& element) noexcept { insert(element, tail_, nullptr); }
    void push_front(T& element) noexcept { insert(element, nullptr, head_); }
    /// Removes and returns the first element; null if the list is empty.
    T* pop_front() noexcept {
        T* const first = head_;
        if (first != nullptr) remove(*first);
        return first;
    }
    /// Removes `element`, which must be in this list.
    void remove(T& element) noexcept {
        list_links<T>& links = element.*Links;
        (links.prev != nullptr ? (links.prev->*Links).next : head_) = links.next;
        (links.next != nullptr ? (links.next->*Links).prev : tail_) = links.prev;
        links = {};
        if constexpr (Counted) --size_;
    }

private:
    struct no_size {};

    void insert(T& element, T* before, T* after) noexcept {
        element.*Links = {before, after};
        (before != nullptr ? (before->*Links).next : head_) = &element;
        (after != nullptr ? (after->*Links).prev : tail_) = &element;
        if constexpr (Counted) ++size_;
    }

    T* head_ = nullptr;
    T* tail_ = nullptr;
    [[no_unique_address]] std::conditional_t<Counted, std::size_t, no_size> size_{};
};

/// A first-in first-out queue of elements linked by the pointer `Next`. Every operation is O(1).
template <class T, T* T::* Next>
class intrusive_queue {
public:
    intrusive_queue() noexcept = default;
    /// Takes over the elements of `other`, which becomes empty.
    intrusive_queue(intrusive_queue&& other) noexcept : head_(other.head_), tail_(other.tail_) {
        other.head_ = other.tail_ = nullptr;
    }
    intrusive_queue& operator=(intrusive_queue&&) = delete;

    [[nodiscard]] bool empty() const noexcept { return head_ == nullptr; }
    [[nodiscard]] T* front() const noexcept { return head_; }

    void push_back(T& element) noexcept {
        element.*Next = nullptr;
        append(element, element);
    }
    void push_front(T& element) noexcept {
        element.*Next = head_;
        if (head_ == nullptr) tail_ = &element;
        head_ = &element;
    }
    /// Moves all elements of `other` to the end of this queue.
    void splice_back(intrusive_queue&& other) noexcept {
        if (other.empty()) return;
        append(*other.head_, *other.tail_);
        other.head_ = other.tail_ = nullptr;
    }
    /// Removes and returns the first element; null if the queue is empty. The link of the element is unspecified.
    T* pop_front() noexcept {
        T* const first = head_;
        if (first == nullptr) return nullptr;
        head_ = first->*Next;
        if (head_ == nullptr) tail_ = nullptr;
        return first;
    }

private:
    // Appends a chain of which `last` has no successor.
    void append(T& first, T& last) noexcept {
        (tail_ != nullptr ? tail_->*Next : head_) = &first;
        tail_ = &last;
    }

    T* head_ = nullptr;
    T* tail_ = nullptr;
};

}  // namespace cadre::detail
