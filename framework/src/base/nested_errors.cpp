#include <cadre/nested_errors.hpp>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <mutex>
#include <typeinfo>
#include <unordered_map>
#include <utility>

#include <cadre/detail/base/is_cancelled.hpp>
#include <cadre/errors.hpp>

// An exception keeps its type and its identity, so attached data are in a separate table, under the
// address of the thrown object. The entry has to go when the object does: the destructor that the C++ runtime keeps in
// the header of each exception is replaced by one that drops the entry and calls the first. The header is part of the
// C++ ABI for Itanium, which both libstdc++ and libc++abi follow; it ends directly before the object.

namespace cadre {

namespace {

using errors = std::vector<std::exception_ptr>;
using destructor = void (*)(void*);

constexpr std::size_t max_nested = 64;

/// `__cxa_exception` of the Itanium C++ ABI, up to the object.
struct exception_header {
    const std::type_info* type;
    destructor destroy;
    void* handlers[2];
    void* next;
    int handler_count;
    int handler_switch;
    const void* action_record;
    const void* language_data;
    void* landing_pad;
    void* adjusted_object;
    struct alignas(std::max_align_t) {
        std::byte bytes[32];
    } unwind_header;
};

struct entry {
    destructor original = nullptr;
    errors nested;
};

/// Never destroyed: exceptions may outlive static objects.
struct table {
    std::mutex mutex;  // a leaf: exceptions are released without it
    std::unordered_map<const void*, entry> entries;
};
table& the_table() {
    static table* const t = new table;
    return *t;
}

void* object_of(const std::exception_ptr& e) noexcept {
    static_assert(sizeof(e) == sizeof(void*));
    void* object = nullptr;
    std::memcpy(&object, static_cast<const void*>(&e), sizeof object);
    return object;
}

exception_header* header_of(void* object) noexcept { return static_cast<exception_header*>(object) - 1; }

/// Whether the header is where it is expected.
bool has_known_header(const std::exception_ptr& e) noexcept {
    return header_of(object_of(e))->type == e.__cxa_exception_type();
}

// Runs when the last reference to the exception is gone.
void destroy_with_entry(void* object) {
    entry gone;
    {
        table& t = the_table();
        const std::lock_guard hold(t.mutex);
        if (auto node = t.entries.extract(object)) gone = std::move(node.mapped());
    }
    if (gone.original != nullptr) gone.original(object);
}

/// Whether `from` is `object`, or holds it: then it cannot become a part of it. With the mutex held.
bool leads_to(const table& t, const void* from, const void* object) {
    errors::size_type next = 0;
    std::vector<const void*> reached{from};
    for (; next != reached.size(); ++next) {
        if (reached[next] == object) return true;
        const auto found = t.entries.find(reached[next]);
        if (found == t.entries.end()) continue;
        for (const auto& e : found->second.nested)
            if (std::ranges::find(reached, object_of(e)) == reached.end()) reached.push_back(object_of(e));
    }
    return false;
}

errors nested_in(const void* object) {
    table& t = the_table();
    const std::lock_guard hold(t.mutex);
    const auto found = t.entries.find(object);
    return found != t.entries.end() ? found->second.nested : errors{};
}

}  // namespace

namespace detail {

void add_nested_error(const std::exception_ptr& first, const std::exception_ptr& error) noexcept {
    if (first == nullptr || error == nullptr || first == error || is_cancelled(error) || !has_known_header(first))
        return;
    try {
        table& t = the_table();
        const std::lock_guard hold(t.mutex);
        void* const object = object_of(first);
        if (leads_to(t, object_of(error), object)) return;
        const auto [at, is_new] = t.entries.try_emplace(object);
        if (is_new) at->second.original = std::exchange(header_of(object)->destroy, &destroy_with_entry);
        errors& nested = at->second.nested;
        if (nested.size() != max_nested && std::ranges::find(nested, error) == nested.end()) nested.push_back(error);
    } catch (...) {  // NOLINT(bugprone-empty-catch): no memory; the first failure is what counts
    }
}

}  // namespace detail

std::vector<std::exception_ptr> nested_errors(const std::exception_ptr& e) {
    return e != nullptr ? nested_in(object_of(e)) : errors{};
}

std::vector<std::exception_ptr> nested_errors(const std::exception& e) {
    return nested_in(dynamic_cast<const void*>(&e));
}

}  // namespace cadre
