#include <cadre/detail/codec/function_identity.hpp>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <dlfcn.h>
#include <elf.h>
#include <link.h>

#include <cadre/detail/codec/codec.hpp>
#include <cadre/errors.hpp>

namespace cadre::detail {

namespace {

/// An executable segment, as addresses of this process.
struct segment {
    std::uintptr_t begin;
    std::uintptr_t end;
};

struct module_info {
    std::uint64_t id = 0;  ///< 0 if the module has no build-id
    std::uintptr_t base = 0;
    std::vector<segment> code{};
    std::string path{};  ///< empty for the program itself

    [[nodiscard]] bool contains(std::uintptr_t address) const noexcept {
        return std::any_of(code.begin(), code.end(),
                           [&](const segment& s) { return address >= s.begin && address < s.end; });
    }
};

std::uint64_t hash_build_id(std::span<const std::byte> bytes) noexcept {
    std::uint64_t hash = 14695981039346656037u;  // FNV-1a
    for (const std::byte b : bytes)
        hash = (hash ^ std::to_integer<std::uint64_t>(b)) * 1099511628211u;
    return hash == 0 ? 1 : hash;
}

/// The NT_GNU_BUILD_ID note in a PT_NOTE segment, hashed; 0 if it is not there.
std::uint64_t find_build_id(const std::byte* note, std::size_t size) noexcept {
    const auto padded = [](std::size_t n) { return (n + 3) & ~std::size_t{3}; };
    while (size >= sizeof(ElfW(Nhdr))) {
        ElfW(Nhdr) header;
        std::memcpy(&header, note, sizeof header);
        const std::size_t total = sizeof header + padded(header.n_namesz) + padded(header.n_descsz);
        if (total > size) return 0;
        const std::byte* name = note + sizeof header;
        if (header.n_type == NT_GNU_BUILD_ID && header.n_namesz == 4 && std::memcmp(name, "GNU", 4) == 0) {
            return hash_build_id({name + padded(header.n_namesz), header.n_descsz});
        }
        note += total;
        size -= total;
    }
    return 0;
}

module_info describe(const dl_phdr_info& info) {
    module_info module;
    module.base = info.dlpi_addr;
    module.path = info.dlpi_name ? info.dlpi_name : "";
    for (std::size_t i = 0; i != info.dlpi_phnum; ++i) {
        const ElfW(Phdr) & header = info.dlpi_phdr[i];
        const std::uintptr_t begin = module.base + header.p_vaddr;
        if (header.p_type == PT_LOAD && (header.p_flags & PF_X) != 0) {
            module.code.push_back({begin, begin + header.p_memsz});
        } else if (header.p_type == PT_NOTE && module.id == 0) {
            // A linker may give notes that are 8-byte aligned a segment of their own; the build-id is never among those.
            if (header.p_align <= 4)
                module.id = find_build_id(reinterpret_cast<const std::byte*>(begin), header.p_memsz);
        }
    }
    return module;
}

/// The first loaded module that `wanted` accepts.
template <class Wanted>
std::optional<module_info> find_module(Wanted wanted) {
    struct search {
        Wanted& wanted;
        std::optional<module_info> found{};
    } state{wanted};
    dl_iterate_phdr(
        [](dl_phdr_info* info, std::size_t, void* data) {
            auto& s = *static_cast<search*>(data);
            module_info module = describe(*info);
            if (!s.wanted(module)) return 0;
            s.found = std::move(module);
            return 1;
        },
        &state);
    return std::move(state.found);
}

/// The program and the libraries that it was linked with: they stay for ever, so what is known of them needs no lock, and
/// every process of the program has them.
const std::vector<module_info>& modules_of_start() {
    static const std::vector<module_info>& modules = *[] {
        auto* all = new std::vector<module_info>;  // never destroyed: calls may still run while the program exits
        find_module([&](module_info& module) {
            all->push_back(module);
            return false;
        });
        return all;
    }();
    return modules;
}

/// Takes the list before `main`, when only they are loaded.
[[maybe_unused]] const std::vector<module_info>& taken_at_start = modules_of_start();

std::string display_name(const module_info& module) {
    return module.path.empty() ? std::string("the program") : "'" + module.path + "'";
}

template <class Wanted>
const module_info* find_at_start(Wanted wanted) {
    const auto& modules = modules_of_start();
    const auto found = std::find_if(modules.begin(), modules.end(), wanted);
    return found == modules.end() ? nullptr : &*found;
}

}  // namespace

function_id identify_function(const void* address) {
    const auto at = reinterpret_cast<std::uintptr_t>(address);
    const auto holds = [&](const module_info& module) { return module.contains(at); };
    std::optional<module_info> late;
    const module_info* module = find_at_start(holds);
    if (!module) {
        late = find_module(holds);
        if (!late) throw not_portable("this function is in no module of the program (was it generated at run time?)");
        module = &*late;
    }
    if (module->id == 0) {
        throw not_portable("a function of " + display_name(*module) +
                           " cannot be sent: it has no build-id; link it with -Wl,--build-id");
    }
    return {module->id, at - module->base};
}

const void* resolve_function(const function_id& id) {
    const auto is_it = [&](const module_info& module) { return module.id == id.module; };
    std::optional<module_info> late;
    const module_info* module = id.module == 0 ? nullptr : find_at_start(is_it);
    if (!module && id.module != 0) {
        late = find_module(is_it);
        if (late) module = &*late;
    }
    if (!module) {
        throw not_portable(
            "a function of a module with another build-id was received: the processes run different builds "
            "of the program, or a library is missing here");
    }
    const std::uintptr_t address = module->base + id.offset;
    if (!module->contains(address)) {
        throw not_portable("a function was received that is not in the code of " + display_name(*module));
    }
    return reinterpret_cast<const void*>(address);
}

void encode_function(encoder& out, const function_id& id) {
    const auto is_it = [&](const module_info& module) { return module.id == id.module; };
    codec<std::uint64_t>::encode(out, id.module);
    out.write_size(id.offset);
    std::string path;
    if (!find_at_start(is_it)) {
        if (const auto late = find_module(is_it)) path = late->path;
    }
    codec<std::string>::encode(out, path);
}

function_id decode_function(decoder& in) {
    function_id id;
    id.module = codec<std::uint64_t>::decode(in);
    id.offset = in.read_size();
    const std::string path = codec<std::string>::decode(in);
    const auto is_it = [&](const module_info& module) { return module.id == id.module; };
    if (path.empty() || find_at_start(is_it) || find_module(is_it)) return id;
    if (!dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL)) {
        const char* reason = dlerror();
        throw not_portable("a function of '" + path +
                           "' was received, which cannot be loaded here: " + (reason ? reason : "unknown error"));
    }
    if (!find_module(is_it))
        throw not_portable("'" + path + "' has another build-id here than where a function of it was sent");
    return id;
}

}  // namespace cadre::detail
