/// @file
/// The exception classes that every process can rebuild.
#pragma once

#include <cstddef>
#include <exception>
#include <span>
#include <typeinfo>

#include <cadre/detail/codec/exception_codec.hpp>

namespace cadre::detail {

struct known_exception {
    const std::type_info& type;
    bool (*matches)(const std::exception&);
    /// Writes the state of the class beside its text.
    void (*save)(encoder&, const std::exception&);
    std::exception_ptr (*load)(decoder&, const exception_origin&, const std::exception_ptr& inner);
};

/// Derived classes precede their bases; std::exception is last. Both processes run the same build, so an index into
/// this list identifies a class.
[[nodiscard]] std::span<const known_exception> known_exceptions();

/// The index of the first class that `e` is or derives from.
[[nodiscard]] std::size_t find_known(const std::exception& e);

}  // namespace cadre::detail
