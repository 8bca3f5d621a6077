#include <cadre/detail/call/chunk_runner.hpp>

#include <algorithm>
#include <string_view>
#include <utility>

#include <cadre/detail/call/raw_chunk_runner.hpp>
#include <cadre/detail/scheduler/local_worker.hpp>
#include <cadre/errors.hpp>
#include <cadre/this_worker.hpp>

namespace cadre::detail {

void encode_this_worker(encoder& out) {
    out.write_size(this_worker::index());
    out.write_size(static_cast<std::uint64_t>(this_worker::pid()));
    const std::string_view host = this_worker::detail::process_worker_host();
    out.write_size(host.size());
    out.write(host.data(), host.size());
}

std::string decode_worker(decoder& in) {
    const std::uint64_t index = in.read_size();
    const std::uint64_t pid = in.read_size();
    std::string text = "worker " + std::to_string(index) + " (pid " + std::to_string(pid) + ")";
    if (const std::size_t size = in.read_count(1); size != 0)
        text.append(" on ").append(reinterpret_cast<const char*>(in.read(size)), size);
    return text;
}

bool fail_raw_item(invocation& call, std::uint32_t i, const std::exception_ptr& error) {
    byte_buffer encoded;
    encoder out(encoded);
    encode_this_worker(out);
    encode_exception(out, error);
    return call.fail_item(i, encoded.span());
}

chunk_work::chunk_work(invocation& call) : call_(call), in_(call.arguments, &context_), claims_(call.items) {
    context_.take_arrived(call.descriptors);
}

chunk_work::~chunk_work() = default;

void chunk_work::begin(std::uint32_t i) noexcept {
    encoded_.clear();
    descriptors_.clear();
    if (call_.items > 1) call_.begin_item(i);
}

void chunk_work::begin_next() {
    if (call_.stop.stop_requested()) throw cancelled{};
    if (call_.may_return) begin_worker_turn();
}

void chunk_work::return_unclaimed() noexcept {
    if (!call_.may_return) return;
    const std::uint32_t from = claims_.take_rest();
    if (from == call_.items) return;
    // A task of this chunk may wait until the other ends of their pipes and sockets are closed.
    for (std::size_t i = 0; i != context_.arrived_count; ++i)
        context_.arrived[i].reset();
    call_.return_items(from);
}

bool chunk_work::fail(const std::exception_ptr& error, std::uint32_t i) {
    encoded_.clear();
    descriptors_.clear();
    if (call_.items == 1) {
        only_failure_ = error;
        return true;
    }
    encoder out(encoded_);
    out.write_byte(static_cast<std::uint8_t>(item_result::error));
    encode_this_worker(out);
    encode_exception(out, error);
    if (!fail_fast_ || call_.ends_early()) return false;
    claims_.keep_rest();
    (void)commit(i);
    commit_not_run();
    return true;
}

// In parts: a commit of several items is small, so that it never lacks memory.
void chunk_work::commit_not_run() {
    constexpr std::uint32_t max_part = 4096;
    while (items_done_ != claims_.size()) {
        const std::uint32_t n = std::min(max_part, claims_.size() - items_done_);
        for (std::uint32_t item = 0; item != n; ++item)
            encoder(encoded_).write_byte(static_cast<std::uint8_t>(item_result::not_run));
        call_.commit_items(items_done_ += n, std::exchange(encoded_, {}), {});
    }
}

bool chunk_work::commit(std::uint32_t i) noexcept {
    if (call_.items == 1) return true;
    call_.commit_items(i + 1, std::exchange(encoded_, {}), std::exchange(descriptors_, {}));
    items_done_ = i + 1;
    return items_done_ == claims_.size() || !call_.ends_early();
}

call_reply chunk_work::take_reply() noexcept {
    if (only_failure_ != nullptr) return exception_reply(only_failure_);
    call_reply r;
    r.bytes = std::move(encoded_);
    r.descriptors = std::move(descriptors_);
    if (call_.items != 1 && items_done_ != claims_.size()) {
        r.kind = reply_kind::unfinished;
        r.items_done = items_done_;
    }
    return r;
}

}  // namespace cadre::detail
