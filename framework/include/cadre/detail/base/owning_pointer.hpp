/// @file
/// `std::unique_ptr` for members of classes in public headers.
#pragma once

#include <cstddef>

namespace cadre::detail {

/// The default: the object was made by `new`.
struct plain_delete {
    template <class T>
    void operator()(T* object) const noexcept {
        static_assert(sizeof(T) > 0, "the object is destroyed here, so its class is defined here");
        delete object;
    }
};

/// Owns an object, or nothing. A `std::unique_ptr`, which is built on a tuple, takes a compiler forty times as many
/// instantiations, in every program. A class whose state is incomplete in the header defines its destructor elsewhere.
template <class T, class Deleter = plain_delete>
class owning_pointer {
public:
    owning_pointer() noexcept = default;
    explicit owning_pointer(T* object) noexcept : object_(object) {}
    owning_pointer(owning_pointer&& other) noexcept : object_(other.release()) {}
    owning_pointer& operator=(owning_pointer&& other) noexcept {
        reset(other.release());
        return *this;
    }
    ~owning_pointer() { reset(); }

    [[nodiscard]] T* get() const noexcept { return object_; }
    [[nodiscard]] T& operator*() const noexcept { return *object_; }
    [[nodiscard]] T* operator->() const noexcept { return object_; }
    [[nodiscard]] bool operator==(std::nullptr_t) const noexcept { return object_ == nullptr; }
    /// Destroys the object, and owns `object` from now on.
    void reset(T* object = nullptr) noexcept {
        T* const before = object_;
        object_ = object;
        if (before != nullptr && before != object) Deleter()(before);
    }
    [[nodiscard]] T* release() noexcept {
        T* const object = object_;
        object_ = nullptr;
        return object;
    }

private:
    T* object_ = nullptr;
};

}  // namespace cadre::detail
