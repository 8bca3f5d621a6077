#include <cadre/detail/task/exception_in_flight.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <typeinfo>

#include "base/exception_text.hpp"
#include "base/type_name.hpp"

#include <cxxabi.h>
#include <sys/uio.h>
#include <unistd.h>

namespace cadre::detail {

namespace {

// Reads memory that may be unmapped. @return false if it is
bool read_memory(std::uintptr_t from, void* to, std::size_t size) noexcept {
    const iovec here{to, size};
    const iovec there{reinterpret_cast<void*>(from), size};  // NOLINT(performance-no-int-to-ptr)
    return ::process_vm_readv(::getpid(), &here, 1, &there, 1, 0) == static_cast<ssize_t>(size);
}

// Whether an exception lives in front of the header: it has a type, and if it is a primary one (kind 0), a count of
// references. A freed header that is still on the stack has lost the count: the allocator overwrites the first bytes of
// what it frees. The offsets are those of `__cxa_refcounted_exception` in libstdc++, on every 64-bit platform.
bool is_alive(std::uintptr_t header, std::uint64_t exception_class) noexcept {
    constexpr std::uintptr_t type_offset = 80;
    constexpr std::uintptr_t count_offset = 96;
    constexpr int max_references = 1 << 16;
    std::uintptr_t type = 0;
    int references = 1;
    return read_memory(header - type_offset, &type, sizeof type) && type != 0 &&
           ((exception_class & 0xff) != 0 || read_memory(header - count_offset, &references, sizeof references)) &&
           references > 0 && references < max_references;
}

// The landing pad that runs the destructor keeps the address of the exception's unwind header, to resume the unwinding,
// in its stack frame or in a register that the callee saves: a conservative search of the innermost frames finds it.
// The header begins with the class of the exception, "GNUCC++" and a byte for the kind (Itanium C++ ABI: Exception
// Handling, 2.2.1).
[[gnu::noinline]] void* find_unwind_header() noexcept {
    constexpr std::uint64_t cxx_class = 0x474E5543432B2B00;
    constexpr std::size_t words = 512;
    __builtin_unwind_init();  // stores the callee-saved registers in this frame
    std::array<std::uintptr_t, 16> chunk{};
    auto at = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0)) - 8 * sizeof(std::uintptr_t);
    for (std::size_t n = 0; n < words; n += chunk.size(), at += sizeof chunk) {
        if (!read_memory(at, chunk.data(), sizeof chunk)) return nullptr;
        for (const std::uintptr_t word : chunk) {
            std::uint64_t exception_class = 0;
            if (word % alignof(std::max_align_t) != 0 || word < 4096) continue;
            if (!read_memory(word, &exception_class, sizeof exception_class)) continue;
            if ((exception_class & ~std::uint64_t{0xff}) == cxx_class && is_alive(word, exception_class))
                return reinterpret_cast<void*>(word);  // NOLINT(performance-no-int-to-ptr)
        }
    }
    return nullptr;
}

std::string describe_handled_exception() {
    try {
        throw;
    } catch (const std::exception& e) {
        return type_name(typeid(e)) + ": " + text_of(e);
    } catch (...) {
        return current_exception_type_name();
    }
}

}  // namespace

std::string describe_exception_in_flight() {
    if (std::uncaught_exceptions() != 0) {
        void* const header = find_unwind_header();
        if (header == nullptr) return "an exception that no handler has reached";
        abi::__cxa_begin_catch(header);  // as the runtime does before it terminates
        return describe_handled_exception();
    }
    return std::current_exception() != nullptr ? describe_handled_exception() : std::string();
}

}  // namespace cadre::detail
