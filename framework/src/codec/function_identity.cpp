#include <cadre/detail/codec/function_identity.hpp>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <dlfcn.h>

#include <cadre/detail/base/loaded_module.hpp>
#include <cadre/detail/codec/codec.hpp>
#include <cadre/errors.hpp>

namespace cadre::detail {

namespace {

/// A module and the number that names it in other processes: a hash of its build-id; 0: it has no build-id.
struct identified_module {
    std::uint64_t id = 0;
    loaded_module module{};
};

std::uint64_t hash_build_id(std::span<const std::byte> bytes) noexcept {
    if (bytes.empty()) return 0;
    std::uint64_t hash = 14695981039346656037u;  // FNV-1a
    for (const std::byte b : bytes)
        hash = (hash ^ std::to_integer<std::uint64_t>(b)) * 1099511628211u;
    return hash == 0 ? 1 : hash;
}

/// The program and the libraries that it was linked with. They are never unloaded and every process of the program has
/// them, so the list needs no lock.
const std::vector<identified_module>& initial_modules() {
    static const std::vector<identified_module>& modules = *[] {
        auto* all = new std::vector<identified_module>;  // never destroyed: calls may still run while the program exits
        visit_loaded_modules([&](loaded_module& module) {
            const std::uint64_t id = hash_build_id(module.build_id);
            all->push_back({id, std::move(module)});
            return false;
        });
        return all;
    }();
    return modules;
}

/// Takes the list before `main`, while no other library is loaded.
[[maybe_unused]] const std::vector<identified_module>& taken_before_main = initial_modules();

bool paths_are_trusted = false;

std::string display_name(const loaded_module& module) {
    return module.path.empty() ? std::string("the program") : "'" + module.path + "'";
}

template <class Predicate>
const identified_module* find_initial_module(Predicate wanted) {
    const auto& modules = initial_modules();
    const auto found = std::ranges::find_if(modules, wanted);
    return found == modules.end() ? nullptr : &*found;
}

const identified_module* find_initial_module_by_id(std::uint64_t id) {
    return find_initial_module([&](const identified_module& m) { return m.id == id; });
}

std::optional<loaded_module> find_loaded_by_id(std::uint64_t id) {
    return find_loaded_module([&](const loaded_module& m) { return hash_build_id(m.build_id) == id; });
}

}  // namespace

function_id identify_function(const void* address) {
    const auto at = reinterpret_cast<std::uintptr_t>(address);
    const auto identify = [&](std::uint64_t module_id, const loaded_module& module) -> function_id {
        if (module_id == 0) {
            throw not_portable("a function of " + display_name(module) +
                               " cannot be sent: the module has no build-id; link it with -Wl,--build-id");
        }
        return {module_id, at - module.base};
    };
    if (const auto* m = find_initial_module([&](const identified_module& i) { return i.module.contains(at); }))
        return identify(m->id, m->module);
    if (const auto m = find_loaded_module([&](const loaded_module& l) { return l.contains(at); }))
        return identify(hash_build_id(m->build_id), *m);
    throw not_portable("the function is in no module of the program (was it generated at run time?)");
}

const void* resolve_function(const function_id& id) {
    const auto resolve = [&](const loaded_module& module) {
        const std::uintptr_t address = module.base + id.offset;
        if (!module.contains(address))
            throw not_portable("a function was received that is not in the code of " + display_name(module));
        return reinterpret_cast<const void*>(address);
    };
    if (id.module != 0) {
        if (const auto* m = find_initial_module_by_id(id.module)) return resolve(m->module);
        if (const auto m = find_loaded_by_id(id.module)) return resolve(*m);
    }
    throw not_portable("a function of a module with another build-id was received: the processes run different builds "
                       "of the program, or a library is missing here");
}

void encode_function(encoder& out, const function_id& id) {
    codec<std::uint64_t>::encode(out, id.module);
    out.write_size(id.offset);
    std::string path;
    if (find_initial_module_by_id(id.module) == nullptr) {
        if (const auto late = find_loaded_by_id(id.module)) path = late->path;
    }
    codec<std::string>::encode(out, path);
}

encoded_function read_function(decoder& in) {
    encoded_function function;
    function.id.module = codec<std::uint64_t>::decode(in);
    function.id.offset = in.read_size();
    function.path = codec<std::string>::decode(in);
    return function;
}

void trust_library_paths() noexcept { paths_are_trusted = true; }

function_id decode_function(decoder& in) {
    const auto [id, path] = read_function(in);
    if (path.empty() || find_initial_module_by_id(id.module) != nullptr || find_loaded_by_id(id.module)) return id;
    if (!paths_are_trusted)
        throw not_portable("a function of '" + path +
                           "' was received from a worker process, which has loaded that library; "
                           "load it in this process before");
    if (::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL) == nullptr) {
        const char* const reason = ::dlerror();
        throw not_portable("a function of '" + path + "' was received, but the library cannot be loaded here: " +
                           (reason != nullptr ? reason : "unknown error"));
    }
    if (!find_loaded_by_id(id.module))
        throw not_portable("a function of '" + path + "' was received, but the library has another build-id here");
    return id;
}

}  // namespace cadre::detail
