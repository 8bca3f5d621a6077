/// @file
/// What a registered task or call runs, for reports.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include <cadre/detail/codec/callable_ref.hpp>
#include <cadre/detail/codec/function_identity.hpp>
#include <cadre/detail/scheduler/work_registry.hpp>

namespace cadre::detail {

/// A copy of what names the work: taken under the lock of its registry, put into words without it, because symbol
/// tables may be read for that.
class work_subject {
public:
    work_subject() = default;
    explicit work_subject(const work_root& root);
    /// A portable call where it runs. `trampoline` is its entry.
    work_subject(const void* trampoline, std::span<const std::byte> arguments);

    /// The name that was given; empty: none.
    [[nodiscard]] const std::string& name() const noexcept { return name_; }
    /// `resize(image)`, `the lambda at main.cpp:12:5`; empty: not known.
    [[nodiscard]] std::string function() const;

private:
    std::string name_;
    callable_ref callable_;
    // Of a portable call, whose encoded arguments begin with `head_`: its entry, or where that is in this process.
    function_id entry_;
    const void* trampoline_ = nullptr;
    std::vector<std::byte> head_;
};

}  // namespace cadre::detail
