/// @file
/// What the chunks of a map on a remote executor have in common, whatever function they call.
#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <string>
#include <vector>

#include <cadre/detail/call/completion_queue.hpp>
#include <cadre/detail/call/map_chunk.hpp>
#include <cadre/detail/call/remote_submission.hpp>
#include <cadre/detail/codec/codec_stream.hpp>
#include <cadre/detail/coroutine/stop_state.hpp>
#include <cadre/detail/scheduler/portable_call.hpp>
#include <cadre/executor_backend.hpp>

namespace cadre::detail {

/// The error of items that did not run because one before them, in their chunk, has failed. Never thrown: that failure
/// is.
[[nodiscard]] const std::exception_ptr& not_run_error();

/// The submission of a chunk, its completion, and the errors of its items.
class remote_chunk_core : public map_chunk, public portable_call {
public:
    /// @return whether the chunk was admitted and is to be submitted; else it returns through the queue
    [[nodiscard]] bool admit(stop_state& stop, call_options settings) noexcept;
    /// After the submission. The chunk may have completed by now, but is not reused before the map, on this thread, has
    /// taken it out of the queue.
    void submitted() noexcept { submission_.resend_stop(); }

    /// After the submission.
    void stop() noexcept final { submission_.request_stop(); }
    /// After the completion.
    void unlink() noexcept { submission_.unlink(); }
    /// The error of item `i`, whose worker died or was killed, with its origin.
    [[nodiscard]] std::exception_ptr with_item(const std::exception_ptr& error, std::uint32_t i) const;

    call_reply reply;
    int retries_left = 0;

protected:
    remote_chunk_core(std::shared_ptr<executor_backend> backend, completion_queue& queue);
    ~remote_chunk_core();

    [[nodiscard]] const executor_backend& backend() const noexcept { return submission_.backend(); }
    /// The error that the reply to a chunk of one item holds.
    [[nodiscard]] std::exception_ptr only_error();
    /// The error of item `i`, which `in` holds after its worker.
    [[nodiscard]] std::exception_ptr item_error(decoder& in, std::uint32_t i) const;
    /// Forgets the arguments of the item behind the last one, which could not be encoded.
    void drop_last(std::size_t argument_bytes, std::size_t descriptor_count) noexcept;

    codec_context context_;
    std::size_t head_ = 0;  // bytes before the first item
    std::vector<std::size_t> offsets_;  // of the items, if they are not of one size
    std::vector<std::size_t> first_descriptors_;  // of each item, if items may have some

private:
    [[nodiscard]] std::string task_text() const;
    [[nodiscard]] std::string item_text(std::uint32_t i) const;
    void complete(call_reply r) noexcept final;
    void take_back(std::uint32_t from) noexcept final;

    remote_submission submission_;
    completion_queue& queue_;
    returned_items returned_{*this};
};

}  // namespace cadre::detail
