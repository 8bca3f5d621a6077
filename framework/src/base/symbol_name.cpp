#include "base/symbol_name.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <mutex>
#include <span>
#include <unordered_map>

#include <dlfcn.h>
#include <elf.h>
#include <link.h>

#include <boost/core/demangle.hpp>
#include <boost/interprocess/exceptions.hpp>
#include <boost/interprocess/file_mapping.hpp>
#include <boost/interprocess/mapped_region.hpp>

#include <cadre/detail/base/loaded_module.hpp>

namespace cadre::detail {

namespace {

/// The bytes of an ELF file. Offsets and sizes in it are checked: the file may have changed since it was loaded.
class elf_file {
public:
    explicit elf_file(std::span<const std::byte> bytes) noexcept : bytes_(bytes) {}

    /// The name of the function symbol with that value; empty if there is none.
    [[nodiscard]] std::string function_at(std::uint64_t value) const {
        ElfW(Ehdr) header;
        if (!read(0, header) || std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0) return {};
        for (std::size_t i = 0; i != header.e_shnum; ++i) {
            ElfW(Shdr) symbols;
            if (!read(header.e_shoff + i * sizeof symbols, symbols)) return {};
            if (symbols.sh_type != SHT_SYMTAB) continue;
            ElfW(Shdr) names;
            if (!read(header.e_shoff + symbols.sh_link * sizeof names, names)) return {};
            return find(symbols, names, value);
        }
        return {};
    }

private:
    template <class T>
    bool read(std::size_t offset, T& to) const noexcept {
        if (offset > bytes_.size() || bytes_.size() - offset < sizeof to) return false;
        std::memcpy(&to, bytes_.data() + offset, sizeof to);
        return true;
    }

    [[nodiscard]] std::string find(const ElfW(Shdr) & symbols, const ElfW(Shdr) & names, std::uint64_t value) const {
        for (std::size_t at = 0; at < symbols.sh_size; at += sizeof(ElfW(Sym))) {
            ElfW(Sym) symbol;
            if (!read(symbols.sh_offset + at, symbol)) return {};
            if (symbol.st_value == value && ELF64_ST_TYPE(symbol.st_info) == STT_FUNC && symbol.st_shndx != SHN_UNDEF)
                return string_at(names.sh_offset + symbol.st_name);
        }
        return {};
    }

    [[nodiscard]] std::string string_at(std::size_t offset) const {
        if (offset >= bytes_.size()) return {};
        const auto* const text = reinterpret_cast<const char*>(bytes_.data() + offset);
        return {text, ::strnlen(text, bytes_.size() - offset)};
    }

    std::span<const std::byte> bytes_;
};

std::string name_in_file(const void* address) {
    namespace ipc = boost::interprocess;
    const auto at = reinterpret_cast<std::uintptr_t>(address);
    const auto module = find_loaded_module([&](const loaded_module& m) { return m.contains(at); });
    if (!module) return {};
    try {
        const ipc::file_mapping file(module->path.empty() ? "/proc/self/exe" : module->path.c_str(), ipc::read_only);
        const ipc::mapped_region region(file, ipc::read_only);
        const elf_file elf({static_cast<const std::byte*>(region.get_address()), region.get_size()});
        return elf.function_at(at - module->base);
    } catch (const ipc::interprocess_exception&) {
        return {};
    }
}

std::string find_name(const void* address) {
    ::Dl_info info{};
    if (::dladdr(address, &info) != 0 && info.dli_sname != nullptr && info.dli_saddr == address)
        return boost::core::demangle(info.dli_sname);
    return boost::core::demangle(name_in_file(address).c_str());
}

}  // namespace

std::string symbol_name(const void* address) {
    static std::mutex mutex;  // under it: the symbol tables are read; no user code
    static auto& known =
        *new std::unordered_map<const void*, std::string>;  // never destroyed: used while a program exits
    const std::lock_guard hold(mutex);
    if (const auto found = known.find(address); found != known.end()) return found->second;
    std::string name = find_name(address);
    if (!name.empty()) known.emplace(address, name);
    return name;
}

}  // namespace cadre::detail
