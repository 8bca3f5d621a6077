/// @file
/// Names a function so that another process of the same program finds it: which module by its build-id, and how far from
/// that module's load base.
#pragma once

#include <cstdint>

namespace cadre::detail {

class encoder;
class decoder;

/// Equal in every process that runs the same build. `module` is a hash of the build-id; 0 is no module.
struct function_id {
    std::uint64_t module = 0;
    std::uint64_t offset = 0;
    friend bool operator==(const function_id&, const function_id&) = default;
};

/// The identity of the function at `address`. Costs tens of nanoseconds for modules that were there at the start, some
/// microseconds for libraries that were loaded later. Throws `not_portable` if the address is in no module or the module
/// has no build-id. Thread-safe.
[[nodiscard]] function_id identify_function(const void* address);

/// The address of a function here. Throws `not_portable` if no loaded module has that build-id or the offset is not in its
/// executable segment. Thread-safe.
[[nodiscard]] const void* resolve_function(const function_id& id);

/// Writes the identity and, for a library that was loaded after the start, its path; reading it loads such a library if
/// it is not there yet.
void encode_function(encoder& out, const function_id& id);
[[nodiscard]] function_id decode_function(decoder& in);

}  // namespace cadre::detail
