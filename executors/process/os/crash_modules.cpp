#include "process/os/crash_modules.hpp"

#include <algorithm>

#include <cadre/detail/base/loaded_module.hpp>

namespace cadre::detail::process_os {
namespace {

module_record describe(const loaded_module& from) {
    module_record module;
    module.base = from.base;
    module.begin = std::ranges::min_element(from.code, {}, &loaded_module::segment::begin)->begin;
    module.end = std::ranges::max_element(from.code, {}, &loaded_module::segment::end)->end;
    module.build_id_size = static_cast<std::uint32_t>(std::min(from.build_id.size(), max_build_id));
    std::ranges::transform(from.build_id.begin(), from.build_id.begin() + module.build_id_size, module.build_id.begin(),
                           [](std::byte b) { return std::to_integer<std::uint8_t>(b); });
    return module;
}

}  // namespace

std::vector<module_record> loaded_modules(std::size_t max_modules) {
    std::vector<module_record> modules;
    visit_loaded_modules([&](const loaded_module& module) {
        if (!module.code.empty()) modules.push_back(describe(module));
        return modules.size() >= max_modules;
    });
    return modules;
}

const module_record* find_module(std::span<const module_record> modules, std::uint64_t address) noexcept {
    for (const module_record& module : modules)
        if (address >= module.begin && address < module.end) return &module;
    return nullptr;
}

}  // namespace cadre::detail::process_os
