#include <cadre/detail/codec/call_name.hpp>

#include <cstddef>
#include <mutex>
#include <new>
#include <string_view>

#include "base/symbol_name.hpp"

namespace cadre::detail {

namespace {

constexpr std::size_t max_length = 160;

std::string shortened(std::string name) {
    if (name.size() > max_length) {
        name.resize(max_length - 3);
        name += "...";
    }
    return name;
}

// g++: `const char* …::spelled_type() [with F = main()::<lambda(int)>]`, clang: `… [F = (lambda at main.cpp:12:5)]`.
std::string_view type_within(std::string_view spelled_type) {
    constexpr std::string_view before = "F = ";
    const std::size_t at = spelled_type.find(before, spelled_type.find('['));
    if (at == std::string_view::npos || !spelled_type.ends_with(']')) return spelled_type;
    spelled_type.remove_suffix(1);
    return spelled_type.substr(at + before.size());
}

}  // namespace

/// All trampolines of the loaded modules.
struct trampoline_names {
    /// @return null if `address` is not that of a trampoline
    [[nodiscard]] trampoline_name::read_function find(const void* address) {
        const std::lock_guard hold(mutex);
        for (const trampoline_name& name : all)
            if (name.trampoline_ == address) return name.read_;
        return nullptr;
    }

    std::mutex mutex;  // a leaf: guards the list
    intrusive_list<trampoline_name, &trampoline_name::links_> all;

    // Never destroyed: names may be needed while the program exits.
    static trampoline_names& instance() {
        static auto* const names = new trampoline_names;
        return *names;
    }
};

trampoline_name::trampoline_name(const void* trampoline, read_function read) noexcept
    : trampoline_(trampoline), read_(read) {
    trampoline_names& names = trampoline_names::instance();
    const std::lock_guard hold(names.mutex);
    names.all.push_back(*this);
}

trampoline_name::~trampoline_name() {
    trampoline_names& names = trampoline_names::instance();
    const std::lock_guard hold(names.mutex);
    names.all.remove(*this);
}

std::string callable_class_name(const char* spelled_type) {
    std::string_view type = type_within(spelled_type);
    constexpr std::string_view lambda = "(lambda at ";
    const std::size_t at = type.rfind(lambda);
    if (at == std::string_view::npos) return shortened(std::string(type));
    std::string_view place = type.substr(at + lambda.size());
    place = place.substr(0, place.find(')'));
    if (const std::size_t folder = place.rfind('/'); folder != std::string_view::npos) place.remove_prefix(folder + 1);
    return shortened("the lambda at " + std::string(place));
}

std::string pointed_function_name(const char* spelled_type, decoder& in) {
    std::string name;
    if (in.read_byte() == 1) {
        const encoded_function function = read_function(in);
        try {
            name = symbol_name(resolve_function(function.id));
        } catch (const not_portable&) {
            name.clear();  // a library that this process has not loaded
        }
    }
    return shortened(name.empty() ? "a task of type " + std::string(type_within(spelled_type)) : name);
}

bool is_trampoline(const function_id& id) noexcept {
    try {
        return trampoline_names::instance().find(resolve_function(id)) != nullptr;
    } catch (const std::exception&) {
        return false;
    }
}

std::string callable_text(const callable_ref& callable) {
    if (callable.spelled_type == nullptr) return {};
    if (callable.function == nullptr) return callable_class_name(callable.spelled_type);
    const std::string name = symbol_name(callable.function);
    return shortened(name.empty() ? "a task of type " + std::string(type_within(callable.spelled_type)) : name);
}

std::string call_name(const function_id& trampoline, std::span<const std::byte> arguments) {
    try {
        return call_name_at(resolve_function(trampoline), arguments);
    } catch (const not_portable&) {
        return "a task";  // a worker may ask for a call that does not exist
    }
}

std::string call_name_at(const void* trampoline, std::span<const std::byte> arguments) {
    try {
        if (const auto read = trampoline_names::instance().find(trampoline); read != nullptr) {
            decoder in(arguments);
            return read(in);
        }
    } catch (const std::bad_alloc&) {
        throw;
    } catch (const std::exception&) {
        return "a task";
    }
    return "a task";
}

std::string task_text(std::string_view name, const callable_ref& callable) {
    return name.empty() ? callable_text(callable) : "task '" + std::string(name) + "'";
}

std::string task_text(std::string_view name, const function_id& trampoline, std::span<const std::byte> arguments) {
    return name.empty() ? call_name(trampoline, arguments) : "task '" + std::string(name) + "'";
}

}  // namespace cadre::detail
