/// @file
/// The program and the libraries that are mapped into this process.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace cadre::detail {

/// A program or library, described by its ELF program headers.
struct loaded_module {
    /// An executable segment.
    struct segment {
        std::uintptr_t begin = 0;
        std::uintptr_t end = 0;
    };

    std::uintptr_t base = 0;            ///< load base: an address minus `base` is the same in every process
    std::vector<segment> code{};        ///< addresses in this process
    std::vector<std::byte> build_id{};  ///< of the note NT_GNU_BUILD_ID; empty if the module has none
    std::string path{};                 ///< empty for the program itself

    [[nodiscard]] bool contains(std::uintptr_t address) const noexcept {
        return std::ranges::any_of(code, [&](const segment& s) { return address >= s.begin && address < s.end; });
    }
};

/// Calls `visit` for each module, the program first, until it returns true. The dynamic linker holds a lock meanwhile:
/// `visit` must not load or unload a library. Thread-safe. @throws what `visit` throws, std::bad_alloc
void visit_loaded_modules(const std::function<bool(loaded_module&)>& visit);

/// The first module for which `wanted` is true; empty if there is none. Some microseconds. Thread-safe.
template <class Predicate>
[[nodiscard]] std::optional<loaded_module> find_loaded_module(Predicate wanted) {
    std::optional<loaded_module> found;
    visit_loaded_modules([&](loaded_module& module) {
        if (!wanted(std::as_const(module))) return false;
        found = std::move(module);
        return true;
    });
    return found;
}

}  // namespace cadre::detail
