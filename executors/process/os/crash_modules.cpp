#include "process/os/crash_modules.hpp"

#include <algorithm>
#include <cstring>

#include <elf.h>
#include <link.h>

namespace cadre::detail::process_os {
namespace {

constexpr std::size_t note_alignment = 4;

constexpr std::size_t padded(std::size_t size) { return (size + note_alignment - 1) / note_alignment * note_alignment; }

void read_build_id(const char* notes, std::size_t size, module_record& module) {
    while (size >= sizeof(ElfW(Nhdr))) {
        ElfW(Nhdr) note;
        std::memcpy(&note, notes, sizeof note);
        const std::size_t name = sizeof note;
        const std::size_t content = name + padded(note.n_namesz);
        const std::size_t next = content + padded(note.n_descsz);
        if (next > size) {
            return;
        }
        if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 && std::memcmp(notes + name, "GNU", 4) == 0) {
            module.build_id_size = std::min(note.n_descsz, static_cast<ElfW(Word)>(max_build_id));
            std::memcpy(module.build_id.data(), notes + content, module.build_id_size);
            return;
        }
        notes += next;
        size -= next;
    }
}

module_record describe(const dl_phdr_info& info) {
    module_record module;
    module.base = info.dlpi_addr;
    for (std::size_t i = 0; i < info.dlpi_phnum; ++i) {
        const ElfW(Phdr) & segment = info.dlpi_phdr[i];
        const std::uint64_t begin = info.dlpi_addr + segment.p_vaddr;
        if (segment.p_type == PT_LOAD && (segment.p_flags & PF_X) != 0) {
            const std::uint64_t end = begin + segment.p_memsz;
            module.begin = module.end == 0 ? begin : std::min(module.begin, begin);
            module.end = std::max(module.end, end);
        } else if (segment.p_type == PT_NOTE && module.build_id_size == 0) {
            read_build_id(reinterpret_cast<const char*>(begin), segment.p_memsz, module);
        }
    }
    return module;
}

struct collection {
    std::vector<module_record> modules;
    std::size_t most;
};

int collect(dl_phdr_info* info, std::size_t, void* data) {
    auto& to = *static_cast<collection*>(data);
    const module_record module = describe(*info);
    if (module.end != 0) {
        to.modules.push_back(module);
    }
    return to.modules.size() >= to.most;
}

}  // namespace

std::vector<module_record> loaded_modules(std::size_t most) {
    collection all{{}, most};
    ::dl_iterate_phdr(&collect, &all);
    return std::move(all.modules);
}

const module_record* find_module(std::span<const module_record> modules, std::uint64_t address) noexcept {
    for (const module_record& module : modules) {
        if (address >= module.begin && address < module.end) {
            return &module;
        }
    }
    return nullptr;
}

}  // namespace cadre::detail::process_os
