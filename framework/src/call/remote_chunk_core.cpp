#include <cadre/detail/call/remote_chunk_core.hpp>

#include <utility>

#include <cadre/detail/call/call_errors.hpp>
#include <cadre/detail/call/chunk_runner.hpp>
#include <cadre/detail/codec/call_name.hpp>
#include <cadre/detail/codec/exception_codec.hpp>
#include <cadre/errors.hpp>

namespace cadre::detail {

const std::exception_ptr& not_run_error() {
    static const std::exception_ptr error = std::make_exception_ptr(cancelled{});
    return error;
}

remote_chunk_core::remote_chunk_core(std::shared_ptr<executor_backend> backend, completion_queue& queue)
    : submission_(std::move(backend), *this), queue_(queue) {}

remote_chunk_core::~remote_chunk_core() = default;

bool remote_chunk_core::admit(stop_state& stop, call_options settings) noexcept {
    options = std::move(settings);
    id = next_task_id();
    if (auto error = submission_.admit(&stop); error != nullptr) {
        reply = failed_reply(std::move(error));
        queue_.push(*this);
        return false;
    }
    return true;
}

std::exception_ptr remote_chunk_core::with_item(const std::exception_ptr& error, std::uint32_t i) const {
    return add_origin(error, task_text() + item_text(i));
}

std::exception_ptr remote_chunk_core::only_error() {
    codec_context context;
    decoder in(reply.bytes.span(), &context);
    return decode_exception(in, reply.where + item_text(0));
}

std::exception_ptr remote_chunk_core::item_error(decoder& in, std::uint32_t i) const {
    const std::string worker = decode_worker(in);
    return decode_exception(in, worker + ", " + task_text() + item_text(i));
}

void remote_chunk_core::drop_last(std::size_t argument_bytes, std::size_t descriptor_count) noexcept {
    arguments.resize_uninitialized(argument_bytes);
    if (offsets_.size() > items) offsets_.resize(items);
    descriptors.erase(descriptors.begin() + static_cast<std::ptrdiff_t>(descriptor_count), descriptors.end());
    if (first_descriptors_.size() > items) first_descriptors_.resize(items);
}

std::string remote_chunk_core::task_text() const { return detail::task_text(options.name, entry, arguments.span()); }

std::string remote_chunk_core::item_text(std::uint32_t i) const { return ", item " + std::to_string(first + i); }

void remote_chunk_core::complete(call_reply r) noexcept {
    reply = std::move(r);
    submission_.end_limit(reply);
    submission_.leave([this]() noexcept { queue_.push(*this); });
}

// Once for each submission: nothing is left to be taken back afterwards.
void remote_chunk_core::take_back(std::uint32_t from) noexcept {
    returned_.from = from;
    queue_.push(returned_);
}

}  // namespace cadre::detail
