/// @file
/// The tasks of one `when_all` over a range.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <ranges>
#include <utility>
#include <vector>

#include <cadre/detail/coroutine/frame_pool.hpp>
#include <cadre/detail/task/as_task.hpp>
#include <cadre/task.hpp>

namespace cadre::detail {

/// A sequence of tasks, made once, in memory that is recycled like that of frames.
template <class T>
class task_list {
public:
    task_list() noexcept = default;
    /// Makes a task of each element of the range, in order.
    template <class R>
    explicit task_list(R&& range) : task_list() {
        if constexpr (std::ranges::sized_range<R>) {
            if (const auto size = static_cast<std::size_t>(std::ranges::size(range)); size != 0) grow(size);
        }
        std::size_t made = 0;  // not the member, which compilers read again after every call
        std::size_t capacity = capacity_;
        task<T>* tasks = data_;
        for (auto&& item : range) {
            if (made == capacity) [[unlikely]] {
                grow(std::max(made * 2, frame_granularity / sizeof(task<T>)));
                tasks = data_;
                capacity = capacity_;
            }
            std::construct_at(tasks + made, as_task(std::ranges::range_value_t<R>(std::move(item))));
            size_ = ++made;
        }
    }
    task_list(task_list&& other) noexcept
        : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)),
          capacity_(std::exchange(other.capacity_, 0)) {}
    task_list& operator=(task_list&&) = delete;
    // Not inlined: the loop uses registers, which a coroutine without children would save and restore needlessly.
    [[gnu::noinline]] ~task_list() { clear(); }

    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] const task<T>* data() const noexcept { return data_; }

private:
    void grow(std::size_t capacity) {
        task<T>* const data = memory{}.allocate(capacity);
        std::uninitialized_move_n(data_, size_, data);
        clear();
        data_ = data;
        capacity_ = capacity;
    }
    void clear() noexcept {
        std::destroy_n(data_, size_);
        if (capacity_ != 0) memory{}.deallocate(data_, capacity_);
    }

    using memory = frame_pool_allocator<task<T>>;

    task<T>* data_ = nullptr;
    std::size_t size_ = 0;
    std::size_t capacity_ = 0;
};

/// @throws std::logic_error if a task is empty
template <class T>
[[nodiscard]] std::vector<task<T>>&& require_coroutines(std::vector<task<T>>&& tasks) {
    for (const task<T>& t : tasks)
        require_coroutine(t);
    return std::move(tasks);
}

/// The addresses of the promises of a contiguous sequence of tasks, for `join::start`.
template <class T>
struct promises_of {
    const task<T>* tasks;
    std::size_t count;
    [[nodiscard]] std::size_t size() const noexcept { return count; }
    [[nodiscard]] promise_base* operator[](std::size_t i) const noexcept { return &tasks[i].frame().promise(); }
};

}  // namespace cadre::detail
