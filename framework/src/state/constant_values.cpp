#include <cadre/detail/base/append_pieces.hpp>
#include <cadre/detail/state/constant_value.hpp>

#include <algorithm>
#include <cstring>
#include <map>
#include <new>
#include <string>
#include <typeindex>
#include <vector>

#include <cadre/detail/state/state_objects.hpp>
#include <cadre/errors.hpp>

#include "state/constant_home.hpp"
#include "state/home_domains.hpp"

namespace cadre::detail {

namespace {

constexpr std::size_t alignment = 64;
constexpr std::size_t checks = 16;  // of other constants, for each new one

struct known_value {
    std::weak_ptr<void> value;
    std::shared_ptr<void> kept;  ///< the same value, if this process has decoded it
};

// The name of the object, and the type as which it is read: another process writes the bytes of handles.
using constant_key = std::pair<std::string, std::type_index>;

struct known_values {
    std::mutex mutex;  // a leaf: values are destroyed without it
    std::map<constant_key, known_value> values;
    constant_key checked{{}, typeid(void)};  // the last one that was checked
};

// Never destroyed: static objects may own handles.
known_values& known() {
    static auto* const all = new known_values;
    return *all;
}

// The name that `encode` writes in a context is never reused for another object.
constant_key key_of(const shared_block& block, const std::type_info& type) {
    byte_buffer name;
    codec_context context;
    encoder out(name, &context);
    block.encode(out);
    return {std::string(reinterpret_cast<const char*>(name.data()), name.size()), type};
}

bool exists(const std::string& name) {
    try {
        decoder in(std::as_bytes(std::span(name)));
        if (const auto home = find_home_domain(in)) return dynamic_cast<constant_home&>(*home).constant_exists(in);
        memory_domain* const domain = program_domain();
        if (domain == nullptr) return false;
        static_cast<void>(domain->take_block(in));
        return true;
    } catch (const error&) {
        return false;
    } catch (const std::bad_alloc&) {  // not known now
        return true;
    }
}

// Selects, in turn, some values that only this table keeps, so that all of them are checked over time.
std::vector<constant_key> next_to_check(known_values& all) {
    std::vector<constant_key> unused;
    auto at = all.values.upper_bound(all.checked);
    for (std::size_t left = std::min(checks, all.values.size()); left != 0; --left) {
        if (at == all.values.end()) at = all.values.begin();
        all.checked = at->first;
        if (at->second.value.expired()) {
            at = all.values.erase(at);
            continue;
        }
        if (at->second.kept.use_count() == 1) unused.push_back(at->first);
        ++at;
    }
    return unused;
}

// Removes the values of constants that no longer exist. The mutex is not held: a worker of an executor of several hosts
// sends a request to the home of the constants, and the thread that reads the answer may wait for the mutex.
void remove_if_gone(known_values& all, const std::vector<constant_key>& unused) {
    for (const constant_key& key : unused) {
        if (exists(key.first)) continue;
        std::shared_ptr<void> removed;
        const std::lock_guard hold(all.mutex);
        const auto found = all.values.find(key);
        if (found == all.values.end() || found->second.kept.use_count() != 1) continue;
        removed = std::move(found->second.kept);
        all.values.erase(found);
    }
}

}  // namespace

std::shared_ptr<shared_block> store_constant(memory_domain& domain, const byte_buffer& own,
                                             const borrowed_runs& borrowed, const codec_context& context) {
    if (!context.keep_alive.empty())
        throw not_portable(
            "cadre::shared_constant: the value contains handles of this library: pass them beside the constant");
    std::vector<std::span<const std::byte>> pieces;
    append_pieces(pieces, own.span(), borrowed);
    if (auto* const home = dynamic_cast<constant_home*>(&domain)) return home->make_constant(pieces);
    auto block = domain.make_block(own.size() + borrowed_size(borrowed), alignment);
    auto* to = static_cast<std::byte*>(block->data());
    for (const auto piece : pieces) {
        if (!piece.empty()) std::memcpy(to, piece.data(), piece.size());
        to += piece.size();
    }
    return block;
}

byte_buffer copy_of(shared_block& block) {
    byte_buffer copy;
    copy.append({static_cast<const std::byte*>(block.data()), block.size()});
    return copy;
}

byte_buffer fetch_elsewhere(shared_block& block) {
    auto* const elsewhere = dynamic_cast<fetched_block*>(&block);
    return elsewhere != nullptr ? elsewhere->fetch() : byte_buffer();
}

std::shared_ptr<void> find_constant_value(const shared_block& block, const std::type_info& type,
                                          std::shared_ptr<void> (*make)()) {
    constant_key key = key_of(block, type);
    known_values& all = known();
    std::shared_ptr<void> value;
    std::vector<constant_key> unused;
    {
        const std::lock_guard hold(all.mutex);
        if (const auto found = all.values.find(key); found != all.values.end())
            if ((value = found->second.value.lock())) return value;
        value = make();
        all.values.insert_or_assign(std::move(key), known_value{value, value});
        unused = next_to_check(all);
    }
    remove_if_gone(all, unused);
    return value;
}

void add_constant_value(const shared_block& block, const std::type_info& type, const std::shared_ptr<void>& value) {
    constant_key key = key_of(block, type);
    known_values& all = known();
    std::vector<constant_key> unused;
    {
        const std::lock_guard hold(all.mutex);
        all.values.insert_or_assign(std::move(key), known_value{value, nullptr});
        unused = next_to_check(all);
    }
    remove_if_gone(all, unused);
}

}  // namespace cadre::detail
