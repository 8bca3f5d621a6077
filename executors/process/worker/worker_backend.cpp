#include "process/worker/worker_backend.hpp"

#include "process/plane/call_memory.hpp"
#include "process/plane/nested_header.hpp"

#include <cadre/detail/base/append_pieces.hpp>
#include <cadre/detail/codec/codec_stream.hpp>
#include <cadre/detail/codec/exception_codec.hpp>
#include <cadre/detail/coroutine/environment.hpp>
#include <cadre/errors.hpp>

#include <array>
#include <cstring>
#include <exception>
#include <new>
#include <utility>
#include <vector>

namespace cadre::detail::process_worker {

using process_plane::event;
using process_plane::event_kind;
using process_plane::nested_header;

worker_backend::worker_backend(const process_plane::worker_setup& setup, event_sender& sender, memory_domain& domain)
    : count_(setup.count), limited_(setup.tasks_per_worker != 0), retries_(static_cast<int>(setup.retries)),
      limit_(setup.task_timeout), name_(setup.executor_name), kind_(setup.kind), portable_id_(setup.portable_id),
      sender_(sender), domain_(domain) {}

void worker_backend::submit(std::span<work_item* const>) noexcept {
    std::terminate();  // remote: it gets no items
}

void worker_backend::submit(std::span<portable_call* const> calls) noexcept {
    const environment* const env = current_environment();
    const std::uint64_t caller = limited_ && env != nullptr && env->info != nullptr ? env->info->id : 0;
    for (portable_call* call : calls) {
        std::uint64_t ticket = 0;
        const std::size_t bytes = call->options.name.size() + call->arguments.size() + borrowed_size(call->borrowed);
        if (bytes > process_plane::max_message) {
            call_reply reply;
            reply.kind = reply_kind::failure;
            reply.error = process_plane::too_large("the arguments of a call", bytes);
            call->complete(std::move(reply));
            continue;
        }
        {
            std::unique_lock hold(mutex_);
            const std::size_t descriptors = call->descriptors.size();
            if (const std::exception_ptr refused = refusal(bytes, descriptors); refused != nullptr) {
                hold.unlock();
                refuse(*call, refused);
                continue;
            }
            ticket = ++last_ticket_;
            call->backend_data = reinterpret_cast<void*>(static_cast<std::uintptr_t>(ticket));
            calls_.emplace(ticket, outstanding{call, caller, bytes, descriptors, {}});
            bytes_ += bytes;
            descriptors_ += descriptors;
            add_to_caller(caller, 1);
        }
        send(*call, ticket);
    }
}

// The parent, which checks the same, counts a call until it has sent the reply: no longer than this worker does.
std::exception_ptr worker_backend::refusal(std::size_t bytes, std::size_t descriptors) const noexcept {
    if (bytes + sizeof(nested_header) > sender_.max_nested_body()) return std::make_exception_ptr(std::bad_alloc());
    const bool too_many = calls_.size() >= process_plane::max_nested_calls;
    if (!too_many && (calls_.empty() || (bytes_ + bytes <= process_plane::max_nested_bytes &&
                                         descriptors_ + descriptors <= process_plane::max_nested_descriptors)))
        return nullptr;
    return std::make_exception_ptr(
        error("executor '" + name_ + "': this worker has reached the limit of " +
              std::to_string(process_plane::max_nested_calls) + " unfinished nested calls, or of " +
              std::to_string(process_plane::max_nested_bytes >> 20) + " MiB of their arguments, or of " +
              std::to_string(process_plane::max_nested_descriptors) + " file descriptors in them"));
}

void worker_backend::refuse(portable_call& call, std::exception_ptr why) noexcept {
    call_reply reply;
    reply.kind = reply_kind::failure;
    reply.error = std::move(why);
    call.complete(std::move(reply));
}

void worker_backend::send(portable_call& call, std::uint64_t ticket) noexcept {
    nested_header h{};
    h.entry = call.entry;
    h.timeout = call.options.timeout.count();
    h.call_id = call.id;
    h.items = call.items;
    h.priority = call.options.priority;
    h.retries = call.options.retries;
    h.name_size = static_cast<std::uint32_t>(call.options.name.size());
    event e{};
    e.kind = event_kind::nested_call;
    e.id = ticket;
    if (call.may_return_descriptors) h.flags |= nested_header::may_return_descriptors;
    if (call.options.windowed) h.flags |= nested_header::windowed;
    const auto head = std::as_bytes(std::span(&h, 1));
    const auto name = std::as_bytes(std::span(call.options.name.data(), call.options.name.size()));
    if (call.borrowed.empty()) {
        sender_.send_with(e, std::array{head, name, std::span<const std::byte>(call.arguments.span())},
                          event_sender::notice::urgent, call.descriptors);
        return;
    }
    std::vector<std::span<const std::byte>> parts{head, name};
    append_pieces(parts, call.arguments.span(), call.borrowed);
    sender_.send_with(e, parts, event_sender::notice::urgent, call.descriptors);
}

void worker_backend::add_to_caller(std::uint64_t caller, int change) noexcept {
    if (caller == 0) return;
    auto& n = callers_[caller];
    n += static_cast<std::size_t>(change);
    if (n == 0) callers_.erase(caller);
    waiting_.store(callers_.size(), std::memory_order_relaxed);
}

void worker_backend::request_stop(portable_call& call, stop_reason why) noexcept {
    event e{};
    {
        const std::lock_guard hold(mutex_);
        if (call.backend_data == nullptr) return;
        e.id = reinterpret_cast<std::uintptr_t>(call.backend_data);
    }
    e.kind = event_kind::nested_stop;
    e.items = static_cast<std::uint32_t>(why);
    sender_.send(e, {}, event_sender::notice::urgent);
}

void worker_backend::request_stop() noexcept {
    std::vector<std::uint64_t> tickets;
    {
        const std::lock_guard hold(mutex_);
        for (const auto& [ticket, call] : calls_)
            tickets.push_back(ticket);
    }
    for (const std::uint64_t ticket : tickets) {
        event e{};
        e.id = ticket;
        e.kind = event_kind::nested_stop;
        e.items = static_cast<std::uint32_t>(stop_reason::requested);
        sender_.send(e, {}, event_sender::notice::urgent);
    }
}

worker_backend::ended_call worker_backend::take_reply(const event& e, std::span<const std::byte> body,
                                                      std::vector<unique_fd> descriptors) noexcept {
    outstanding done;
    {
        const std::lock_guard hold(mutex_);
        const auto found = calls_.find(e.id);
        if (found == calls_.end()) return {};
        if (e.kind == event_kind::nested_partial) {
            found->second.partial.append(body);
            return {};
        }
        done = std::move(found->second);
        bytes_ -= done.bytes;
        descriptors_ -= done.descriptors;
        calls_.erase(found);
        add_to_caller(done.caller, -1);
        done.call->backend_data = nullptr;
    }
    ended_call ended{.call = done.call};
    call_reply& reply = ended.reply;
    reply.items_done = e.items;
    reply.partial = std::move(done.partial);
    reply.descriptors = std::move(descriptors);
    if (e.kind == event_kind::nested_exception) {
        reply.kind = reply_kind::exception;
        std::uint16_t size = 0;
        std::memcpy(&size, body.data(), sizeof size);
        reply.where.assign(reinterpret_cast<const char*>(body.data() + sizeof size), size);
        body = body.subspan(sizeof size + size);
    }
    if (e.kind == event_kind::nested_unfinished) {
        reply.kind = reply_kind::unfinished;
        reply.retry_last = (e.flags & event::out_of_memory) != 0;
    }
    reply.bytes.append(body);
    return ended;
}

void worker_backend::ended_call::complete() noexcept {
    if (call == nullptr) return;
    if (reply.kind == reply_kind::unfinished) {
        const byte_buffer last = std::move(reply.bytes);
        if (!last.empty()) {
            decoder in(last.span());
            reply.last_item = decode_exception(in, {});
        }
    }
    call->complete(std::move(reply));
}

void* worker_backend::query(const std::type_info& extension) noexcept {
    if (extension == typeid(portable_identity)) return static_cast<portable_identity*>(this);
    if (extension == typeid(borrowed_arguments)) return static_cast<borrowed_arguments*>(this);
    if (extension == typeid(task_limits)) return static_cast<task_limits*>(this);
    return nullptr;
}

}  // namespace cadre::detail::process_worker
