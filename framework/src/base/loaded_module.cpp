#include <cadre/detail/base/loaded_module.hpp>

#include <cstring>

#include <elf.h>
#include <link.h>

namespace cadre::detail {

namespace {

/// The NT_GNU_BUILD_ID note of a PT_NOTE segment; empty if there is none.
std::vector<std::byte> find_build_id(const std::byte* note, std::size_t size) {
    const auto padded = [](std::size_t n) { return (n + 3) & ~std::size_t{3}; };
    while (size >= sizeof(ElfW(Nhdr))) {
        ElfW(Nhdr) header;
        std::memcpy(&header, note, sizeof header);
        const std::size_t total = sizeof header + padded(header.n_namesz) + padded(header.n_descsz);
        if (total > size) break;
        const std::byte* const name = note + sizeof header;
        if (header.n_type == NT_GNU_BUILD_ID && header.n_namesz == 4 && std::memcmp(name, "GNU", 4) == 0) {
            const std::byte* const content = name + padded(header.n_namesz);
            return {content, content + header.n_descsz};
        }
        note += total;
        size -= total;
    }
    return {};
}

loaded_module describe(const dl_phdr_info& info) {
    loaded_module module;
    module.base = info.dlpi_addr;
    if (info.dlpi_name != nullptr) module.path = info.dlpi_name;
    for (std::size_t i = 0; i != info.dlpi_phnum; ++i) {
        const ElfW(Phdr) & header = info.dlpi_phdr[i];
        const std::uintptr_t begin = module.base + header.p_vaddr;
        if (header.p_type == PT_LOAD && (header.p_flags & PF_X) != 0)
            module.code.push_back({begin, begin + header.p_memsz});
        // A linker may put notes that are 8-byte aligned into a segment of their own; the build-id is never among
        // those.
        else if (header.p_type == PT_NOTE && header.p_align <= 4 && module.build_id.empty())
            module.build_id = find_build_id(reinterpret_cast<const std::byte*>(begin), header.p_memsz);
    }
    return module;
}

}  // namespace

void visit_loaded_modules(const std::function<bool(loaded_module&)>& visit) {
    ::dl_iterate_phdr(
        [](dl_phdr_info* info, std::size_t, void* data) {
            loaded_module module = describe(*info);
            return (*static_cast<const std::function<bool(loaded_module&)>*>(data))(module) ? 1 : 0;
        },
        const_cast<std::function<bool(loaded_module&)>*>(&visit));
}

}  // namespace cadre::detail
