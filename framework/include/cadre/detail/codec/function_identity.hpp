/// @file
/// Identifies a function so that another process of the same program finds it: the module by its build-id, and the
/// offset from the load base of that module.
#pragma once

#include <cstdint>
#include <string>

namespace cadre::detail {

class encoder;
class decoder;

/// Equal in every process that runs the same build. `module` is a hash of the build-id; 0 is no module.
struct function_id {
    std::uint64_t module = 0;
    std::uint64_t offset = 0;
    friend bool operator==(const function_id&, const function_id&) = default;
};

/// The identity of the function at `address`. Costs tens of nanoseconds for modules loaded at the start, some
/// microseconds for libraries loaded later. Thread-safe. @throws not_portable if the address is in no module or the
/// module has no build-id
[[nodiscard]] function_id identify_function(const void* address);

/// The address of a function in this process. Thread-safe. @throws not_portable if no loaded module has that build-id
/// or the offset is not in its executable segment
[[nodiscard]] const void* resolve_function(const function_id& id);

/// The encoded form of a function.
struct encoded_function {
    function_id id{};
    std::string path{};  ///< of a library that was loaded after the start; else empty
};

void encode_function(encoder& out, const function_id& id);
[[nodiscard]] encoded_function read_function(decoder& in);
/// Reads a function. If this process has not loaded its library yet, that is loaded, provided that
/// `trust_library_paths` was called. @throws not_portable
[[nodiscard]] function_id decode_function(decoder& in);
/// For worker processes, which read what their parent wrote. The parent reads what workers wrote, and a library that
/// one of them names would run its code in the parent. Called before another thread reads functions.
void trust_library_paths() noexcept;

}  // namespace cadre::detail
