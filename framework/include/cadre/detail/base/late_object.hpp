/// @file
/// `std::optional` for members that are made late and stay in place.
#pragma once

#include <new>

namespace cadre::detail {

/// Storage for an object that is made later. It is moved only while it is empty. A `std::optional`, which is copied and
/// assigned if its value is, takes a compiler forty times as many instantiations, in every program.
template <class T>
class late_object {
public:
    late_object() noexcept {}
    late_object(late_object&&) noexcept {}
    late_object& operator=(late_object&&) = delete;
    ~late_object() { reset(); }

    [[nodiscard]] explicit operator bool() const noexcept { return made_; }
    [[nodiscard]] T& operator*() noexcept { return object_; }
    [[nodiscard]] const T& operator*() const noexcept { return object_; }
    [[nodiscard]] T* operator->() noexcept { return &object_; }
    [[nodiscard]] const T* operator->() const noexcept { return &object_; }
    /// Destroys the object, if there is one, and makes another.
    template <class... Args>
    T& emplace(Args&&... args) {
        reset();
        T* const object = ::new (static_cast<void*>(&object_)) T(static_cast<Args&&>(args)...);
        made_ = true;
        return *object;
    }
    void reset() noexcept {
        if (!made_) return;
        made_ = false;
        object_.~T();
    }

private:
    union {
        T object_;
    };
    bool made_ = false;
};

}  // namespace cadre::detail
