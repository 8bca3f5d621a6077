/// @file
/// `shared_segment`: a heap in memory that all tasks share, on threads and in worker processes, for containers
/// that grow.
///
///     cadre::shared_segment seg{ex, 16 << 20};
///     auto g = co_await seg.lock();
///     auto& prices = g.find_or_construct<cadre::shared::map<cadre::shared::string, double>>("prices");
///     prices.emplace("apple", 1.5);
#pragma once

#include <concepts>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

#include <boost/container/deque.hpp>
#include <boost/container/map.hpp>
#include <boost/container/scoped_allocator.hpp>
#include <boost/container/set.hpp>
#include <boost/container/string.hpp>
#include <boost/container/vector.hpp>
#include <boost/functional/hash.hpp>
#include <boost/unordered_map.hpp>

#include <cadre/async_shared_mutex.hpp>
#include <cadre/detail/state/segment_core.hpp>
#include <cadre/executor.hpp>
#include <cadre/shared_array.hpp>
#include <cadre/task.hpp>

namespace cadre {

/// Containers whose memory is a `shared_segment`: those of Boost.Container, and Boost's unordered_map. Elements that
/// take an allocator, such as nested containers, get that of the container: `words.emplace("text", 1)` makes the key in
/// the segment.
namespace shared {

/// For elements.
template <class T>
using allocator = boost::container::scoped_allocator_adaptor<cadre::detail::segment_allocator<T>>;

using string = boost::container::basic_string<char, std::char_traits<char>, cadre::detail::segment_allocator<char>>;
template <class T>
using vector = boost::container::vector<T, allocator<T>>;
template <class T>
using deque = boost::container::deque<T, allocator<T>>;
/// The comparison is transparent: `find("text")` makes no string.
template <class Key, class T, class Compare = std::less<>>
using map = boost::container::map<Key, T, Compare, allocator<std::pair<const Key, T>>>;
template <class Key, class Compare = std::less<>>
using set = boost::container::set<Key, Compare, allocator<Key>>;
template <class Key, class T, class Hash = boost::hash<Key>, class Equal = std::equal_to<Key>>
using unordered_map = boost::unordered_map<Key, T, Hash, Equal, allocator<std::pair<const Key, T>>>;

}  // namespace shared

/// Options of a segment; trivially destructible.
struct segment_options {
    /// Whether the changes of a process that died while it held the lock are undone. The cost is a copy of the used
    /// part of the segment for each `lock`, and twice the memory. If false, `owner_died` tells the next owner, which
    /// finds the segment as the dead owner left it.
    bool recoverable = true;
};

/// A heap of fixed capacity in the memory domain of an executor, with named objects in it. All copies of the handle,
/// also those in worker processes, refer to the same segment. Objects are used while a guard is held, and stay where
/// they are between guards.
///
/// Containers follow pointers in shared memory: a process that writes garbage into the segment can crash others that
/// use it. Keep state that untrusted workers write in channels and cells.
///
/// All members are thread-safe.
class shared_segment {
public:
    static constexpr bool cadre_portable_handle = true;

    /// Holds the segment alone until it is destroyed or `unlock` is called. Movable.
    class [[nodiscard]] guard {
    public:
        guard(guard&&) noexcept = default;
        guard& operator=(guard&& other) noexcept {
            if (this != &other) {
                unlock();
                memory_ = std::move(other.memory_);
                lock_ = std::move(other.lock_);
                owner_died_ = other.owner_died_;
            }
            return *this;
        }
        ~guard() { unlock(); }

        /// Whether the previous owner's process died while it held the segment. A recoverable segment is then in the
        /// state before that owner locked it, any other segment in the state in which that owner left it.
        [[nodiscard]] bool owner_died() const noexcept { return owner_died_; }
        void unlock() noexcept {
            if (!lock_.owns_lock()) return;
            core().end_writing();
            lock_.unlock();
        }
        /// False once unlocked or moved from.
        [[nodiscard]] explicit operator bool() const noexcept { return lock_.owns_lock(); }

        /// The object `name`, made from `args` if there is none. A `T` that takes an allocator gets the segment's.
        /// @throws std::bad_alloc if the segment is full, what the constructor throws
        template <class T, class... Args>
        T& find_or_construct(const std::string& name, const Args&... args) {
            if (T* const there = find<T>(name)) return *there;
            return core().growing([&]() -> T& {
                auto construct = manager()->template construct<T>(name.c_str());
                if constexpr (std::uses_allocator_v<T, detail::segment_allocator<char>>)
                    return *construct(args..., detail::segment_allocator<char>(manager()));
                else
                    return *construct(args...);
            });
        }
        /// The object `name`; null if there is none of that name and type.
        template <class T>
        [[nodiscard]] T* find(const std::string& name) const {
            return manager()->template find<T>(name.c_str()).first;
        }
        /// Destroys the object `name`. @return whether there was one
        template <class T>
        bool destroy(const std::string& name) {
            return manager()->template destroy<T>(name.c_str());
        }
        /// A `T` with the segment's allocator: `names.push_back(g.make<cadre::shared::string>("x"))`.
        /// @throws std::bad_alloc if the segment is full
        template <class T, class... Args>
        [[nodiscard]] T make(Args&&... args) const {
            return T(std::forward<Args>(args)..., detail::segment_allocator<char>(manager()));
        }
        /// Boost.Interprocess's segment manager, for all other functions.
        [[nodiscard]] detail::segment_manager* manager() const noexcept { return &core().manager(); }

    private:
        friend class shared_segment;
        guard(shared_array<std::byte> memory, async_shared_mutex::guard lock, bool owner_died) noexcept
            : memory_(std::move(memory)), lock_(std::move(lock)), owner_died_(owner_died) {}
        [[nodiscard]] detail::segment_core& core() const noexcept { return detail::segment_core::at(memory_.data()); }

        shared_array<std::byte> memory_;
        async_shared_mutex::guard lock_;
        bool owner_died_;
    };

    /// Holds the segment for reading, together with other readers, until it is destroyed or `unlock` is called.
    /// Movable.
    class [[nodiscard]] shared_guard {
    public:
        /// Whether a writer's process died, and no writer has held the segment since. See `guard`.
        [[nodiscard]] bool owner_died() const noexcept { return owner_died_; }
        void unlock() noexcept { lock_.unlock(); }
        /// False once unlocked or moved from.
        [[nodiscard]] explicit operator bool() const noexcept { return lock_.owns_lock(); }
        /// The object `name`; null if there is none of that name and type.
        template <class T>
        [[nodiscard]] const T* find(const std::string& name) const {
            return detail::segment_core::at(memory_.data()).manager().template find<T>(name.c_str()).first;
        }

    private:
        friend class shared_segment;
        shared_guard(shared_array<std::byte> memory, async_shared_mutex::shared_guard lock, bool owner_died) noexcept
            : memory_(std::move(memory)), lock_(std::move(lock)), owner_died_(owner_died) {}

        shared_array<std::byte> memory_;
        async_shared_mutex::shared_guard lock_;
        bool owner_died_;
    };

    /// A move copies: the handle that was moved from stays usable.
    shared_segment(const shared_segment&) = default;
    shared_segment& operator=(const shared_segment&) = default;

    /// An empty segment for `bytes` of objects and their bookkeeping. On serial and thread executors no process
    /// can die alone, so their segments are not copied.
    /// @throws std::invalid_argument if `bytes` is too small for an empty segment; std::bad_alloc; not_portable if `ex`
    ///         has no memory domain or is of several hosts; executor_stopped
    template <std::integral N>
    shared_segment(const executor& ex, N bytes, segment_options options = {})
        : shared_segment(make(ex, detail::checked_extent(bytes), options)) {}

    /// Completes with the segment held alone. Cost: in a recoverable segment a copy of the part in use. Stop: as for
    /// `async_shared_mutex::lock`. Resumes at home. @throws cancelled, executor_stopped
    [[nodiscard]] task<guard> lock() const;
    /// Completes with the segment held for reading. Otherwise as `lock`; copies nothing.
    [[nodiscard]] task<shared_guard> lock_shared() const;

    /// The capacity in bytes, bookkeeping included.
    [[nodiscard]] std::size_t size() const noexcept { return detail::segment_core::at(memory_.data()).capacity(); }

    void encode_handle(detail::encoder& out) const;
    static shared_segment decode_handle(detail::decoder& in);

    /// Whether both handles refer to the same segment.
    friend bool operator==(const shared_segment& a, const shared_segment& b) noexcept { return a.lock_ == b.lock_; }

private:
    shared_segment(shared_array<std::byte> memory, async_shared_mutex lock) noexcept
        : memory_(std::move(memory)), lock_(std::move(lock)) {}
    static shared_segment make(const executor& ex, std::size_t bytes, segment_options options);

    shared_array<std::byte> memory_;  // a segment_core
    async_shared_mutex lock_;
};

namespace shared {

/// The value of `key` in a map of a segment, value-initialised if it is new; `key` is anything that converts to a key,
/// such as a literal: `++shared::value_of(counts, "word")`. @throws std::bad_alloc if the segment is full
template <class Map, class Key>
[[nodiscard]] typename Map::mapped_type& value_of(Map& map, const Key& key) {
    if (const auto at = map.find(key); at != map.end()) return at->second;
    using value = typename Map::mapped_type;
    if constexpr (std::uses_allocator_v<value, cadre::detail::segment_allocator<char>>)
        return map.emplace(std::piecewise_construct, std::forward_as_tuple(key), std::tuple<>()).first->second;
    else
        return map.emplace(key, value()).first->second;
}

}  // namespace shared

}  // namespace cadre
