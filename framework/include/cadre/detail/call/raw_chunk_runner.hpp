/// @file
/// The worker's side of a map with plain results: runs a raw chunk, whose results form an array in shared memory.
#pragma once

#include <atomic>
#include <cstdint>
#include <cstring>
#include <exception>
#include <new>
#include <stdexcept>
#include <tuple>
#include <type_traits>
#include <utility>

#include <cadre/detail/call/call_trampoline.hpp>
#include <cadre/detail/call/chunk_runner.hpp>
#include <cadre/detail/codec/codec.hpp>

namespace cadre::detail {

template <class R>
consteval bool is_raw_result() {
    if constexpr (std::is_void_v<R>)
        return true;
    else
        return plain<R>;
}
/// Whether the items of a map of `Bound` can travel as raw chunks.
template <class Bound>
inline constexpr bool has_raw_results = !Bound::coroutine && is_raw_result<typename Bound::result>();

template <class R>
inline constexpr std::uint32_t raw_result_size = sizeof(R);
template <>
inline constexpr std::uint32_t raw_result_size<void> = 0;

/// The bytes of a result of `Bound` in a raw chunk; 0: it has no raw results, or none at all.
template <class Bound>
consteval std::size_t raw_result_bytes() {
    if constexpr (has_raw_results<Bound>)
        return raw_result_size<typename Bound::result>;
    else
        return 0;
}

/// How the arguments of an item are encoded: if all are plain, each item takes the same number of bytes.
template <class Arguments>
struct item_layout;
template <class... As>
struct item_layout<std::tuple<As...>> {
    static constexpr bool fixed = (plain<As> && ...);
    static constexpr std::size_t size = (sizeof(As) + ... + 0);

    static void write(std::byte* to, const std::tuple<As...>& values) noexcept {
        std::apply([&](const As&... as) { ((std::memcpy(to, &as, sizeof as), to += sizeof as), ...); }, values);
    }
};

/// Reports the exception of item `i` of a raw chunk. @return whether the chunk continues
[[nodiscard]] bool fail_raw_item(invocation& call, std::uint32_t i, const std::exception_ptr& error);

/// The work of a raw chunk, for `call_trampoline`. The arguments are those of `chunk_runner`. A chunk of one item
/// replies with its result or its exception; larger ones write each result to its place and commit it with one store.
template <class Bound>
class raw_chunk_runner {
    using result = typename Bound::result;
    using layout = item_layout<typename Bound::arguments>;
    static constexpr std::uint32_t size = raw_result_size<result>;

public:
    using function = typename Bound::function;
    static constexpr bool coroutine = false;

    struct kept {};

    explicit raw_chunk_runner(invocation& call)
        : call_(call), in_(call.arguments, &context_), function_(decode<function>(in_)), fail_fast_(decode<bool>(in_)) {
        if constexpr (layout::fixed) first_item_ = in_.read(call.items * layout::size);
    }

    [[nodiscard]] call_reply run(kept& /*result*/) {
        call_reply reply;
        if (call_.items == 1) {
            items only(*this, 0);
            run_item(only, reply.bytes.extend(size));
            return reply;
        }
        place_ = call_.open_raw(size);
        if (place_.words == nullptr) throw std::bad_alloc();
        const bool complete = run_claims();
        reply.items_done = done_;
        if (!complete) reply.kind = reply_kind::unfinished;
        return reply;
    }

private:
    // @return whether all items have ended that were not taken back
    [[nodiscard]] bool run_claims() {
        for (;;) {
            if (done_ != 0 && (call_.stop.stop_requested() || call_.ends_early())) return none_left();
            const auto [first, last] = place_.words->claim(place_.watched ? 1 : call_.claim);
            if (first == last) return true;
            while (done_ != last)
                if (!run_items(last)) return none_left();
        }
    }
    // Runs items up to `last`, or the first that fails. @return whether the chunk continues
    [[nodiscard]] bool run_items(std::uint32_t last) {
        // Locals, which stay in registers while the function runs.
        raw_chunk_words& words = *place_.words;
        std::byte* const results = place_.results;
        if (place_.watched) call_.begin_item(done_);
        std::uint32_t i = done_;
        try {
            items at(*this, i);
            for (; i != last; ++i) {
                run_item(at, results + std::size_t{i} * size);
                // Only this store commits: a death before it leaves the item undone, after it the item is done.
                words.done.store(i + 1, std::memory_order_release);
            }
            done_ = i;
            return true;
        } catch (...) {
            done_ = i + 1;
            if (!fail_raw_item(call_, i, std::current_exception())) return false;
        }
        words.done.store(done_, std::memory_order_release);
        return !fail_fast_ && !call_.ends_early();
    }
    // The arguments of the items in order: at a fixed distance, or one behind the other.
    class items {
    public:
        items(raw_chunk_runner& runner, std::uint32_t first) : runner_(runner) {
            if constexpr (layout::fixed) next_ = runner.arguments_of(first);
        }
        [[nodiscard]] Bound take() {
            return [this]<class... As>(std::type_identity<std::tuple<As...>>) {
                return Bound(runner_.function_, std::tuple<As...>{read<As>()...});  // braces: left to right
            }(std::type_identity<typename Bound::arguments>{});
        }

    private:
        template <class A>
        [[nodiscard]] A read() {
            if constexpr (layout::fixed)
                return from_bytes<A>(std::exchange(next_, next_ + sizeof(A)));
            else
                return decode<A>(runner_.in_);
        }
        raw_chunk_runner& runner_;
        const std::byte* next_ = nullptr;
    };
    void run_item(items& at, std::byte* to) {
        Bound call = at.take();
        if constexpr (std::is_void_v<result>) {
            call();
            end_fork();
        } else {
            const result value = call();
            end_fork();
            std::memcpy(to, &value, size);
        }
    }
    // A process that the function has forked must not write for its parent.
    void end_fork() const noexcept {
        if (place_.words != nullptr && !place_.in_worker()) [[unlikely]]
            call_.end_fork();
    }
    // With a fixed layout: where the arguments of item `i` are.
    [[nodiscard]] const std::byte* arguments_of(std::uint32_t i) const noexcept {
        return first_item_ + std::size_t{i} * layout::size;
    }
    [[nodiscard]] bool none_left() const noexcept {
        const std::uint64_t range = place_.words->range.load(std::memory_order_relaxed);
        return done_ == raw_chunk_words::end(range);
    }

    invocation& call_;
    codec_context context_;
    decoder in_;
    function function_;
    bool fail_fast_;
    const std::byte* first_item_ = nullptr;
    invocation::raw_place place_{};
    std::uint32_t done_ = 0;
};

}  // namespace cadre::detail
