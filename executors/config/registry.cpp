#include <cadre/executor_registry.hpp>
#include <cadre/make_executor.hpp>

#include "config/kinds.hpp"
#include "config/names.hpp"
#include "config/suggest.hpp"

#include <atomic>
#include <map>
#include <mutex>
#include <ranges>
#include <utility>

namespace cadre::detail {
namespace {

struct registry {
    std::mutex mutex{};  // a leaf: guards the table; factories run without it
    std::map<std::string, kind_entry, std::less<>> kinds{};
    std::atomic<bool> started{false};
};

void add_to(registry& r, std::string_view name, kind_entry entry) {
    if (!is_name(name))
        throw config_error("executor kind '" + std::string(name) + "': expected a name of " + std::string(name_rule));
    const std::lock_guard lock(r.mutex);
    if (!r.kinds.try_emplace(std::string(name), std::move(entry)).second)
        throw config_error("executor kind '" + std::string(name) + "' is registered already");
}

registry& bare_registry() {
    static registry* const instance = new registry;  // never destroyed: a program may make executors while it exits
    return *instance;
}

registry& kinds() {
    static std::once_flag once;
    std::call_once(once, [] {
        add_builtin_kinds(
            [](std::string_view name, kind_entry entry) { add_to(bare_registry(), name, std::move(entry)); });
    });
    return bare_registry();
}

kind_entry entry_of(const executor_config& c) {
    {
        registry& r = kinds();
        const std::lock_guard lock(r.mutex);
        const auto at = r.kinds.find(c.kind);
        if (at != r.kinds.end()) return at->second;
    }
    const std::vector<std::string> known = all_kinds();
    const std::string message =
        "unknown executor kind '" + c.kind + "'" + did_you_mean(c.kind, known) + " (kinds: " + listed(known) + ")";
    if (c.name.empty()) fail_at(c.origin, message);
    c.fail("kind", message);
}

// A copy: the hooks run without the lock.
std::vector<kind_entry> entries() {
    registry& r = kinds();
    const std::lock_guard lock(r.mutex);
    const auto values = r.kinds | std::views::values;
    return {values.begin(), values.end()};
}

}  // namespace

void add_kind(std::string_view name, kind_entry entry) { add_to(kinds(), name, std::move(entry)); }

void start_kinds(int argc, char** argv) {
    if (kinds_started()) return;
    for (const kind_entry& entry : entries())
        if (entry.start_up != nullptr) entry.start_up(argc, argv);
    kinds().started.store(true);
}

bool kinds_started() noexcept { return kinds().started.load(); }

void finish_kinds() {
    for (const kind_entry& entry : entries())
        if (entry.tear_down != nullptr) entry.tear_down();
}

void serve_kind(const executor_config& c) {
    void (*serve)(const executor_config&) = nullptr;
    {
        registry& r = kinds();
        const std::lock_guard lock(r.mutex);
        if (const auto found = r.kinds.find(c.kind); found != r.kinds.end()) serve = found->second.serve;
    }
    if (serve != nullptr) serve(c);
}

std::vector<std::string> all_kinds() {
    registry& r = kinds();
    const std::lock_guard lock(r.mutex);
    std::vector<std::string> names;
    for (const auto& [name, entry] : r.kinds)
        if (entry.missing == nullptr) names.push_back(name);
    return names;
}

bool is_kind(std::string_view name) {
    registry& r = kinds();
    const std::lock_guard lock(r.mutex);
    return r.kinds.find(name) != r.kinds.end();
}

bool has_check(std::string_view name) {
    registry& r = kinds();
    const std::lock_guard lock(r.mutex);
    const auto at = r.kinds.find(name);
    return at != r.kinds.end() && at->second.check != nullptr;
}

void check_kind(const executor_config& c) { static_cast<void>(entry_of(c)); }

void check_options(const executor_config& c) {
    if (const kind_entry entry = entry_of(c); entry.check != nullptr) entry.check(c);
}

void check_can_be_made(const executor_config& c) {
    const kind_entry entry = entry_of(c);
    if (entry.missing != nullptr) fail_at(c.origin, entry.missing);
    if (entry.check != nullptr) entry.check(c);
    if (entry.check_here != nullptr) entry.check_here(c);
}

bool only_factory_can_check(const executor_config& c) {
    const kind_entry entry = entry_of(c);
    return entry.check == nullptr || entry.checked_by_start;
}

}  // namespace cadre::detail

namespace cadre {

void register_executor_kind(std::string_view name, executor_factory factory) {
    if (!factory) throw config_error("executor kind '" + std::string(name) + "': its factory is empty");
    detail::add_kind(name, {.make = std::move(factory)});
}

std::vector<std::string> executor_kinds() { return detail::all_kinds(); }

executor make_executor(std::string_view spec) {
    detail::spec parsed = detail::parse_spec(spec, "");
    executor_config c;
    c.kind = std::move(parsed.name);
    c.options = std::move(parsed.options);
    if (parsed.workers) c.options.emplace("workers", std::move(*parsed.workers));
    return make_executor(c);
}

executor make_executor(const executor_config& c) {
    detail::check_can_be_made(c);
    // Without the registry's lock: a factory may take long, or make other executors.
    executor made = detail::entry_of(c).make(c);
    if (!made) detail::fail_at(c.origin, "the factory of the kind '" + c.kind + "' made no executor");
    return made;
}

}  // namespace cadre
