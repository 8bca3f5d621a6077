/// @file
/// A shared pointer whose copies count their uses separately.
#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <utility>

namespace cadre::detail {

/// Owns an object together with its copies, as a std::shared_ptr does. The pointers that are made from one copy, by
/// `use`, change a count of that copy: threads with copies of their own do not take its cache line from each other. A
/// copy allocates.
template <class T>
class separate_count {
public:
    explicit separate_count(std::shared_ptr<T> object) noexcept : object_(std::move(object)), uses_(object_) {}
    separate_count(const separate_count& other) noexcept : object_(other.object_), uses_(apart(object_)) {}
    separate_count(separate_count&&) noexcept = default;
    separate_count& operator=(const separate_count& other) noexcept { return *this = separate_count(other); }
    separate_count& operator=(separate_count&&) noexcept = default;
    ~separate_count() = default;

    [[nodiscard]] T* operator->() const noexcept { return uses_.get(); }
    [[nodiscard]] T& operator*() const noexcept { return *uses_; }
    [[nodiscard]] const std::shared_ptr<T>& use() const noexcept { return uses_; }
    friend bool operator==(const separate_count& a, const separate_count& b) noexcept { return a.object_ == b.object_; }

private:
    // Its alignment puts the count, which std::make_shared allocates in front of it, in a cache line of its own.
    struct alignas(64) keeper {
        explicit keeper(const std::shared_ptr<T>& o) noexcept : object(o) {}
        std::shared_ptr<T> object;
    };
    static std::shared_ptr<T> apart(const std::shared_ptr<T>& object) noexcept {
        try {
            return {std::make_shared<keeper>(object), object.get()};
        } catch (const std::bad_alloc&) {
            return object;  // the common count
        }
    }

    std::shared_ptr<T> object_;
    std::shared_ptr<T> uses_;
};

}  // namespace cadre::detail
