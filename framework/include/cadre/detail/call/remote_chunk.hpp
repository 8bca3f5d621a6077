/// @file
/// A chunk of a map on a remote executor.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <iterator>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <cadre/detail/call/call_errors.hpp>
#include <cadre/detail/call/chunk_runner.hpp>
#include <cadre/detail/call/map_item.hpp>
#include <cadre/detail/call/raw_chunk_runner.hpp>
#include <cadre/detail/call/remote_call.hpp>
#include <cadre/detail/call/remote_chunk_core.hpp>
#include <cadre/detail/codec/exception_codec.hpp>
#include <cadre/errors.hpp>
#include <cadre/outcome.hpp>

namespace cadre::detail {

/// Reusable: filled, submitted and read any number of times.
template <class F, class Item>
class remote_chunk final : public remote_chunk_core {
    using bound = item_bound<F, Item>;
    using result = typename bound::result;
    static constexpr bool may_carry = may_carry_descriptors<typename bound::arguments>;
    using arguments_layout = item_layout<typename bound::arguments>;
    // What the iterator refers to is the argument.
    template <class Reference>
    static constexpr bool is_encoded_in_place =
        std::is_lvalue_reference_v<Reference> && !may_carry &&
        std::is_same_v<typename bound::arguments, std::tuple<std::remove_cvref_t<Reference>>>;

public:
    /// `with_raw_results`: the backend has the extension `raw_chunks`.
    remote_chunk(std::shared_ptr<executor_backend> backend, completion_queue& queue, bool with_raw_results)
        : remote_chunk_core(std::move(backend), queue) {
        may_return_descriptors = may_carry_descriptors<result>;
        if constexpr (has_raw_results<bound>) {
            if (with_raw_results) {
                entry = trampoline_id<raw_chunk_runner<bound>>();
                raw.enabled = true;
                raw.result_size = raw_result_size<result>;
                return;
            }
        }
        entry = trampoline_id<chunk_runner<bound>>();
    }

    /// With `fail_fast` the first failure ends the chunk.
    void begin(const F& f, std::size_t first_index, bool fail_fast) {
        first = first_index;
        items = 0;
        offsets_.clear();
        arguments.clear();
        release_descriptors();
        context_.descriptors = nullptr;  // `f` is encoded for each chunk
        encoder out(arguments, &context_);
        encode(out, f);
        encode(out, fail_fast);
        context_.descriptors = &descriptors;
        head_ = arguments.size();
    }
    /// Takes up to `max_items` items of the input. @throws item_refused for the item at `at`, when it has taken those
    /// before; also what the input throws
    template <class Iterator, class Sentinel>
    void fill(const F& f, Iterator& at, const Sentinel& end, std::size_t max_items) {
        if constexpr (arguments_layout::fixed) {
            arguments.resize_uninitialized(head_ + max_items * arguments_layout::size);
            std::byte* const to = arguments.data() + head_;
            std::size_t n = 0;
            const auto keep = [&](std::size_t count) {
                items = static_cast<std::uint32_t>(count);
                arguments.resize_uninitialized(head_ + count * arguments_layout::size);
                if constexpr (std::random_access_iterator<Iterator> && std::sized_sentinel_for<Sentinel, Iterator>)
                    at += static_cast<std::iter_difference_t<Iterator>>(count);
            };
            try {
                if constexpr (std::random_access_iterator<Iterator> && std::sized_sentinel_for<Sentinel, Iterator>) {
                    const std::size_t left = std::min(max_items, static_cast<std::size_t>(end - at));
                    for (Iterator here = at; n != left; ++n, ++here)
                        write_item(f, *here, to + n * arguments_layout::size);
                } else {
                    for (; n != max_items && at != end; ++n, ++at)
                        write_item(f, *at, to + n * arguments_layout::size);
                }
            } catch (...) {
                keep(n);
                throw;
            }
            keep(n);
        } else {
            for (std::size_t n = 0; n != max_items && at != end && !full(); ++n, ++at)
                add(f, *at);
        }
    }
    /// Whether its items have as many descriptors as one call carries: the next item goes into another chunk.
    [[nodiscard]] bool full() const noexcept { return may_carry && descriptors.size() >= max_descriptors_per_call; }
    /// Takes the items [`from`, `to`) of `other`.
    void add_from(remote_chunk& other, std::uint32_t from, std::uint32_t to) {
        const std::size_t base = other.offset(from);
        const std::size_t end = other.offset(to);
        if constexpr (!arguments_layout::fixed)
            for (std::uint32_t i = from; i < to; ++i) {
                offsets_.push_back(arguments.size() + other.offsets_[i] - base);
                if constexpr (may_carry) {
                    note_descriptors();
                    const std::size_t next = i + 1 < other.first_descriptors_.size() ? other.first_descriptors_[i + 1]
                                                                                     : other.descriptors.size();
                    for (std::size_t d = other.first_descriptors_[i]; d != next; ++d)
                        descriptors.push_back(std::move(other.descriptors[d]));
                }
            }
        arguments.append(other.arguments.data() + base, end - base);
        items += to - from;
    }
    /// Closes them: the items are not sent again.
    void release_descriptors() noexcept {
        if constexpr (may_carry) {
            descriptors.clear();
            first_descriptors_.clear();
        }
    }
    /// Decodes the results that the reply holds. @return their number
    template <class Results>
    [[nodiscard]] std::uint32_t read_results(Results& into) {
        if (reply.kind == reply_kind::exception) {
            if (items > 1) rethrow_error(reply);  // the chunk could not be decoded: throws
            into.set(first, outcome<result>(only_error()));
            return 1;
        }
        const bool all = reply.kind == reply_kind::value;
        const std::uint32_t n = all ? items : std::min(reply.items_done, items);
        const byte_buffer& bytes = all ? reply.bytes : reply.partial;
        if constexpr (has_raw_results<bound>) {
            if (raw.enabled) {
                read_raw_results(into, n, bytes);
                return n;
            }
        }
        codec_context context;
        context.take_arrived(reply.descriptors);
        decoder in(bytes.data(), bytes.size(), &context);
        for (std::uint32_t i = 0; i < n; ++i)
            into.set(first + i, decode_item(in, i));
        return n;
    }

private:
    void note_descriptors() {
        if constexpr (may_carry) first_descriptors_.push_back(descriptors.size());
    }
    template <class Reference>
    static void write_item(const F& f, Reference&& given, std::byte* to) {
        try {
            const auto call = item_call<F, Item>::bind(f, make_item<Item>(std::forward<Reference>(given)));
            arguments_layout::write(to, call.stored());
        } catch (...) {
            throw item_refused{std::current_exception()};
        }
    }
    template <class Reference>
    void add(const F& f, Reference&& given) {
        const std::size_t size_before = arguments.size();
        const std::size_t before = descriptors.size();
        try {
            offsets_.push_back(size_before);
            note_descriptors();
            encoder out(arguments, &context_);
            if constexpr (is_encoded_in_place<Reference&&>) {
                encode(out, std::as_const(given));
            } else {
                const auto call = item_call<F, Item>::bind(f, make_item<Item>(std::forward<Reference>(given)));
                std::apply([&](const auto&... as) { (encode(out, as), ...); }, call.stored());
            }
            if constexpr (may_carry) {
                if (!descriptors.empty()) check_descriptors(backend(), descriptors.size() - before);
            }
        } catch (...) {
            drop_last(size_before, before);
            throw item_refused{std::current_exception()};
        }
        ++items;
    }
    /// Where the arguments of item `i` begin; of the number of items: where they end.
    [[nodiscard]] std::size_t offset(std::uint32_t i) const {
        if constexpr (arguments_layout::fixed)
            return head_ + std::size_t{i} * arguments_layout::size;
        else
            return i < offsets_.size() ? offsets_[i] : arguments.size();
    }
    // The failed items are in a list of their own, in order.
    template <class Results>
    void read_raw_results(Results& into, std::uint32_t n, const byte_buffer& bytes) {
        constexpr std::size_t size = raw_result_size<result>;
        if (raw.results == nullptr && bytes.size() < n * size) throw_truncated();
        codec_context context;
        decoder errors(reply.item_errors.data(), reply.item_errors.size(), &context);
        std::uint32_t i = 0;
        while (errors.remaining() != 0) {
            const auto failed = codec<std::uint32_t>::decode(errors);
            const auto length = codec<std::uint32_t>::decode(errors);
            decoder error(errors.read(length), length, &context);
            if (failed < i || failed >= n) throw_malformed("an item failed twice, or is no item of its chunk");
            read_values(into, i, failed, bytes);
            into.set(first + failed, outcome<result>(item_error(error, failed)));
            i = failed + 1;
        }
        read_values(into, i, n, bytes);
    }
    template <class Results>
    void read_values(Results& into, std::uint32_t from, std::uint32_t to, const byte_buffer& bytes) {
        if (raw.results != nullptr) return;  // they are in place
        constexpr std::size_t size = raw_result_size<result>;
        for (std::uint32_t i = from; i < to; ++i)
            if constexpr (std::is_void_v<result>)
                into.set(first + i, outcome<result>());
            else
                into.set(first + i, outcome<result>(from_bytes<result>(bytes.data() + i * size)));
    }
    [[nodiscard]] outcome<result> decode_item(decoder& in, std::uint32_t i) const {
        switch (static_cast<item_result>(in.read_byte())) {
            case item_result::value: break;
            case item_result::not_run: return outcome<result>(not_run_error());
            default: return outcome<result>(item_error(in, i));
        }
        if constexpr (std::is_void_v<result>)
            return outcome<result>{};
        else
            return outcome<result>(decode<result>(in));
    }
};

}  // namespace cadre::detail
