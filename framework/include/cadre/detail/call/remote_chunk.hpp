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
#include <cadre/detail/call/map_chunk.hpp>
#include <cadre/detail/call/map_item.hpp>
#include <cadre/detail/call/raw_chunk_runner.hpp>
#include <cadre/detail/call/remote_call.hpp>
#include <cadre/detail/call/remote_submission.hpp>
#include <cadre/detail/codec/call_name.hpp>
#include <cadre/detail/codec/exception_codec.hpp>
#include <cadre/errors.hpp>
#include <cadre/outcome.hpp>

namespace cadre::detail {

/// The error of items that did not run because one before them, in their chunk, has failed. Never thrown: that failure
/// is.
[[nodiscard]] inline const std::exception_ptr& not_run_error() {
    static const std::exception_ptr error = std::make_exception_ptr(cancelled{});
    return error;
}

/// Reusable: filled, submitted and read any number of times.
template <class F, class Item>
class remote_chunk final : public map_chunk, public portable_call {
    using bound = item_bound<F, Item>;
    using result = typename bound::result;
    static constexpr bool may_carry = may_carry_descriptors<typename bound::arguments>;
    using arguments_layout = item_layout<typename bound::arguments>;

public:
    /// `with_raw_results`: the backend has the extension `raw_chunks`.
    remote_chunk(std::shared_ptr<executor_backend> backend, completion_queue& queue, bool with_raw_results)
        : submission_(std::move(backend), *this), queue_(queue) {
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
    /// before; likewise what the input throws
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
        arguments.append(other.arguments.span().subspan(base, end - base));
        items += to - from;
    }
    /// @return whether the chunk was admitted and is to be submitted; else it returns through the queue
    [[nodiscard]] bool admit(stop_state& stop, call_options settings) noexcept {
        options = std::move(settings);
        id = next_task_id();
        if (auto error = submission_.admit(&stop); error != nullptr) {
            reply = failed_reply(std::move(error));
            queue_.push(*this);
            return false;
        }
        return true;
    }
    /// After the submission. The chunk may have completed by now, but is not reused before the map, on this thread, has
    /// taken it out of the queue.
    void submitted() noexcept { submission_.resend_stop(); }

    /// After the submission.
    void stop() noexcept override { submission_.request_stop(); }
    /// After the completion.
    void unlink() noexcept { submission_.unlink(); }
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
            if (items > 1) read_reply<void>(reply);  // the chunk could not be decoded: throws
            codec_context context;
            decoder in(reply.bytes.span(), &context);
            into.set(first, outcome<result>(decode_exception(in, reply.where + item_text(0))));
            return 1;
        }
        const bool all = reply.kind == reply_kind::value;
        const std::uint32_t n = all ? items : std::min(reply.items_done, items);
        const std::span<const std::byte> bytes = all ? reply.bytes.span() : reply.partial.span();
        if constexpr (has_raw_results<bound>) {
            if (raw.enabled) {
                read_raw_results(into, n, bytes);
                return n;
            }
        }
        codec_context context;
        context.arrived = reply.descriptors;
        decoder in(bytes, &context);
        for (std::uint32_t i = 0; i < n; ++i)
            into.set(first + i, decode_item(in, i));
        return n;
    }

    /// The error of item `i`, whose worker died or was killed, with its origin.
    [[nodiscard]] std::exception_ptr with_item(const std::exception_ptr& error, std::uint32_t i) const {
        return add_origin(error, task_text() + item_text(i));
    }

    call_reply reply;
    int retries_left = 0;

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
            const auto call = item_call<F, Item>::bind(f, make_item<Item>(std::forward<Reference>(given)));
            offsets_.push_back(size_before);
            note_descriptors();
            encoder out(arguments, &context_);
            std::apply([&](const auto&... as) { (encode(out, as), ...); }, call.stored());
            if constexpr (may_carry) {
                if (!descriptors.empty()) check_descriptors(submission_.backend(), descriptors.size() - before);
            }
        } catch (...) {
            arguments.resize_uninitialized(size_before);
            offsets_.resize(items);
            if constexpr (may_carry) {
                descriptors.erase(descriptors.begin() + static_cast<std::ptrdiff_t>(before), descriptors.end());
                first_descriptors_.resize(items);
            }
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
    void read_raw_results(Results& into, std::uint32_t n, std::span<const std::byte> bytes) {
        constexpr std::size_t size = raw_result_size<result>;
        if (raw.results == nullptr && bytes.size() < n * size) throw_truncated();
        codec_context context;
        decoder errors(reply.item_errors.span(), &context);
        std::uint32_t i = 0;
        while (errors.remaining() != 0) {
            const auto failed = codec<std::uint32_t>::decode(errors);
            const auto length = codec<std::uint32_t>::decode(errors);
            decoder error(std::span(errors.read(length), length), &context);
            if (failed < i || failed >= n) throw_malformed("an item failed twice, or is no item of its chunk");
            read_values(into, i, failed, bytes);
            const std::string worker = decode_worker(error);
            into.set(first + failed,
                     outcome<result>(decode_exception(error, worker + ", " + task_text() + item_text(failed))));
            i = failed + 1;
        }
        read_values(into, i, n, bytes);
    }
    template <class Results>
    void read_values(Results& into, std::uint32_t from, std::uint32_t to, std::span<const std::byte> bytes) {
        if (raw.results != nullptr) return;  // they are in place
        constexpr std::size_t size = raw_result_size<result>;
        for (std::uint32_t i = from; i < to; ++i)
            if constexpr (std::is_void_v<result>)
                into.set(first + i, outcome<void>());
            else
                into.set(first + i, outcome<result>(from_bytes<result>(bytes.data() + i * size)));
    }
    [[nodiscard]] std::string task_text() const {
        return options.name.empty() ? call_name(entry, arguments.span()) : "task '" + options.name + "'";
    }
    [[nodiscard]] std::string item_text(std::uint32_t i) const { return ", item " + std::to_string(first + i); }
    [[nodiscard]] outcome<result> decode_item(decoder& in, std::uint32_t i) const {
        switch (static_cast<item_result>(in.read_byte())) {
            case item_result::value: break;
            case item_result::not_run: return outcome<result>(not_run_error());
            default: {
                const std::string worker = decode_worker(in);
                return outcome<result>(decode_exception(in, worker + ", " + task_text() + item_text(i)));
            }
        }
        if constexpr (std::is_void_v<result>)
            return outcome<void>{};
        else
            return outcome<result>(decode<result>(in));
    }
    void complete(call_reply r) noexcept override {
        reply = std::move(r);
        submission_.end_limit(reply);
        submission_.leave([this]() noexcept { queue_.push(*this); });
    }
    // Once for each submission: nothing is left to be taken back afterwards.
    void take_back(std::uint32_t from) noexcept override {
        returned_.from = from;
        queue_.push(returned_);
    }

    remote_submission submission_;
    completion_queue& queue_;
    returned_items returned_{*this};
    codec_context context_;
    std::size_t head_ = 0;  // bytes before the first item
    std::vector<std::size_t> offsets_;  // of the items, if they are not of one size
    std::vector<std::size_t> first_descriptors_;  // of each item, if items may have some
};

/// If no executor can be remote, no code for remote ones is instantiated.
template <bool Remote, class F, class Item>
struct remote_chunk_or_none {
    struct type {};
};
template <class F, class Item>
struct remote_chunk_or_none<true, F, Item> {
    using type = remote_chunk<F, Item>;
};

}  // namespace cadre::detail
