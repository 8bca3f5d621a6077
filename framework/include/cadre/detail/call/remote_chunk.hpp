/// @file
/// A chunk of a map on a remote executor.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <exception>
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
#include <cadre/detail/call/remote_call.hpp>
#include <cadre/detail/call/remote_submission.hpp>
#include <cadre/detail/codec/call_name.hpp>
#include <cadre/detail/codec/exception_codec.hpp>
#include <cadre/errors.hpp>
#include <cadre/outcome.hpp>

namespace cadre::detail {

/// Reusable: filled, submitted and read any number of times.
template <class F, class Item>
class remote_chunk final : public map_chunk, public portable_call {
    using bound = item_bound<F, Item>;
    using result = typename bound::result;
    static constexpr bool may_carry = may_carry_descriptors<typename bound::arguments>;

public:
    remote_chunk(std::shared_ptr<executor_backend> backend, completion_queue& queue)
        : submission_(std::move(backend), *this), queue_(queue) {
        entry = trampoline_id<chunk_runner<bound>>();
        may_return_descriptors = may_carry_descriptors<result>;
    }

    /// With `fail_fast` the first failure ends the chunk.
    void begin(const F& f, std::size_t first_index, bool fail_fast) {
        first = first_index;
        items = 0;
        offsets_.clear();
        encoded_.clear();
        release_descriptors();
        context_.descriptors = nullptr;  // `f` is encoded for each chunk
        encoder out(encoded_, &context_);
        encode(out, f);
        encode(out, fail_fast);
        context_.descriptors = &descriptors;
    }
    void add(const F& f, Item&& item) {
        offsets_.push_back(encoded_.size());
        note_descriptors();
        const std::size_t before = descriptors.size();
        encoder out(encoded_, &context_);
        const auto call = item_call<F, Item>::bind(f, std::move(item));
        std::apply([&](const auto&... as) { (encode(out, as), ...); }, call.stored());
        if constexpr (may_carry) {
            if (!descriptors.empty()) check_descriptors(submission_.backend(), descriptors.size() - before);
        }
        ++items;
    }
    /// Whether its items have as many descriptors as one call carries: the next item goes into another chunk.
    [[nodiscard]] bool full() const noexcept { return may_carry && descriptors.size() >= max_descriptors_per_call; }
    /// Takes the items [`from`, `to`) of `other`, whose worker died.
    void add_from(remote_chunk& other, std::uint32_t from, std::uint32_t to) {
        const std::span<const std::byte> bytes = other.encoded_.span();
        const std::size_t base = other.offsets_[from];
        const std::size_t end = to < other.items ? other.offsets_[to] : bytes.size();
        for (std::uint32_t i = from; i < to; ++i) {
            offsets_.push_back(encoded_.size() + other.offsets_[i] - base);
            if constexpr (may_carry) {
                note_descriptors();
                const std::size_t next =
                    i + 1 < other.items ? other.first_descriptors_[i + 1] : other.descriptors.size();
                for (std::size_t d = other.first_descriptors_[i]; d != next; ++d)
                    descriptors.push_back(std::move(other.descriptors[d]));
            }
        }
        encoded_.append(bytes.subspan(base, end - base));
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
        arguments.clear();
        arguments.append(encoded_.span());
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
        codec_context context;
        context.arrived = reply.descriptors;
        decoder in(all ? reply.bytes.span() : reply.partial.span(), &context);
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
    [[nodiscard]] std::string task_text() const {
        return options.name.empty() ? call_name(entry, encoded_.span()) : "task '" + options.name + "'";
    }
    [[nodiscard]] std::string item_text(std::uint32_t i) const { return ", item " + std::to_string(first + i); }
    [[nodiscard]] outcome<result> decode_item(decoder& in, std::uint32_t i) const {
        switch (static_cast<item_result>(in.read_byte())) {
            case item_result::value: break;
            case item_result::not_run: return outcome<result>(std::make_exception_ptr(cancelled{}));
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

    remote_submission submission_;
    completion_queue& queue_;
    codec_context context_;
    byte_buffer encoded_;  // kept beside `arguments`: items that did not run are sent again
    std::vector<std::size_t> offsets_;
    std::vector<std::size_t> first_descriptors_;  // of each item, if items may have some
};

}  // namespace cadre::detail
