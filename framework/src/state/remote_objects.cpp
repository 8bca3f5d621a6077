#include "state/remote_objects.hpp"

#include <algorithm>
#include <exception>
#include <new>
#include <utility>

#include <cadre/async_semaphore.hpp>
#include <cadre/detail/state/channel_operations.hpp>
#include <cadre/detail/state/lock_operation.hpp>
#include <cadre/detail/state/state_objects.hpp>

#include "state/blocking_request.hpp"
#include "state/remote_domain.hpp"

namespace cadre::detail {

/// Waits for the answer to one request, and ends the wait of a coroutine with it.
class remote_object::wait final : public home_transport::receiver {
public:
    wait(remote_object& o, std::shared_ptr<shared_object> k, pending& p, home_op w) noexcept
        : of(o), keep(std::move(k)), waiting(&p), op(w) {}

    void answered(std::span<const std::byte> answer) noexcept override {
        const std::unique_ptr<wait> self(this);
        pending* p = nullptr;
        {
            const std::lock_guard hold(of.mutex_);
            p = std::exchange(waiting, nullptr);
            if (p != nullptr) of.waits_.erase(p);
        }
        auto [outcome, lost] = answer_status::of(answer);
        if (lost || (p == nullptr && outcome == op_status::done)) of.undo(op, ticket);
        if (p == nullptr) return;
        if (outcome == op_status::done) {
            try {
                decoder in(answer.subspan(answer_head));
                of.take(*p, op, ticket, in);
            } catch (const std::bad_alloc&) {
                of.undo(op, ticket);
                outcome = op_status::exhausted;
            } catch (const std::exception&) {
                of.undo(op, ticket);
                outcome = op_status::broken;
            }
        }
        p->outcome = outcome;
        if (outcome == op_status::would_block)
            p->finish_cancelled();
        else
            p->finish();
    }

    remote_object& of;
    const std::shared_ptr<shared_object> keep;
    pending* waiting;  // null: the wait was abandoned. Changed under the object's mutex
    const home_op op;
};

remote_object::remote_object(std::shared_ptr<remote_domain> domain, home_number number) noexcept
    : domain_(std::move(domain)), number_(number) {}

remote_object::~remote_object() {
    domain_->forget(number_, this);
    if (const std::uint64_t handles = handles_.load(std::memory_order_acquire); handles != 0)
        tell(home_op::release, handles);
}

void remote_object::encode_as(home_kind kind, encoder& out, std::uint64_t capacity,
                              std::shared_ptr<const void> self) const {
    if (encode_home_handle(out, kind, domain_->identity(), number_, capacity, std::move(self)))
        tell(home_op::begin_transit);
}

void remote_object::tell(home_op op) const noexcept { domain_->tell(op, number_, {}); }
void remote_object::tell(home_op op, std::uint64_t value) const noexcept {
    domain_->tell(op, number_, std::as_bytes(std::span(&value, 1)));
}

home_reply remote_object::ask(home_op op, std::span<const std::byte> arguments) const noexcept {
    return ask_home(domain_->transport(), op, number_, arguments);
}

std::uint64_t remote_object::ask_value(home_op op) const noexcept {
    const home_reply reply = ask(op, {});
    if (reply.outcome != op_status::done || reply.body.size() != sizeof(std::uint64_t)) return 0;
    decoder in(reply.body.span());
    return detail::take<std::uint64_t>(in);
}

bool remote_object::begin(pending& p, std::shared_ptr<shared_object> self, home_op op,
                          std::span<const std::byte> arguments) noexcept {
    p.object = self.get();
    p.outcome = op_status::would_block;
    wait* made = nullptr;
    try {
        made = new wait(*this, std::move(self), p, op);
        const std::lock_guard hold(mutex_);
        waits_.emplace(&p, made);
    } catch (const std::bad_alloc&) {
        delete made;
        p.outcome = op_status::exhausted;
        return false;
    }
    // From here the wait may end, and with it `p`'s finish; the coroutine that commits keeps the object alive.
    domain_->transport().send(
        std::array{std::as_bytes(std::span(&op, 1)), std::as_bytes(std::span(&number_, 1)), arguments}, made);
    return true;
}

void remote_object::withdraw(pending& p) noexcept {
    const std::lock_guard hold(mutex_);
    if (const auto found = waits_.find(&p); found != waits_.end()) domain_->transport().stop(found->second->ticket);
}

bool remote_object::detach(pending& p) noexcept {
    const std::lock_guard hold(mutex_);
    const auto found = waits_.find(&p);
    if (found == waits_.end()) return false;
    domain_->transport().stop(found->second->ticket);
    found->second->waiting = nullptr;
    waits_.erase(found);
    return true;
}

bool remote_channel::park(pending_operation& p) noexcept {
    if (p.try_now == &message_wait::try_receive || p.try_now == &memory_wait::try_receive)
        return begin(p, shared_from_this(), home_op::receive, {});
    byte_buffer arguments;
    try {
        if (p.try_now == &message_wait::try_send) {
            auto& sent = static_cast<message_wait&>(p);
            put<std::uint64_t>(arguments, sent.carries ? 1 : 0);
            arguments.append(sent.message.span());
        } else if (p.try_now == &memory_wait::try_send) {
            put<std::uint64_t>(arguments, 0);
            arguments.append(static_cast<memory_wait&>(p).memory->span());
        } else {  // of a select
            put<std::uint64_t>(arguments, p.queue);
            return begin(p, shared_from_this(), home_op::watch, arguments.span());
        }
    } catch (const std::bad_alloc&) {
        p.outcome = op_status::exhausted;
        return false;
    }
    return begin(p, shared_from_this(), home_op::send, arguments.span());
}

void remote_channel::read_message(decoder& in, byte_buffer& into, held_objects* held) {
    const bool carries = detail::take<std::uint64_t>(in) != 0;
    const std::size_t size = in.remaining();
    into.clear();
    into.append({in.read(size), size});
    if (!carries) return;
    handle_names names;
    into.resize_uninitialized(into.size() - read_names(into.span(), names));
    for (const handle_name& n : names) {
        auto object = domain().adopt(n);
        if (held != nullptr) held->push_back(std::move(object));
    }
}

void remote_channel::take(pending_operation& p, home_op op, std::uint64_t ticket, decoder& in) {
    if (op == home_op::send && p.try_now == &memory_wait::try_send) static_cast<memory_wait&>(p).memory->reset();
    if (op != home_op::receive) return;
    if (p.try_now == &memory_wait::try_receive) {
        message_memory& received = *static_cast<memory_wait&>(p).memory;
        received.reset();
        read_message(in, received.private_bytes(), nullptr);
    } else {
        auto& received = static_cast<message_wait&>(p);
        read_message(in, received.message, &received.held);
    }
    tell(home_op::confirm, ticket);
}

void remote_channel::undo(home_op op, std::uint64_t ticket) noexcept {
    if (op == home_op::receive) tell(home_op::give_back, ticket);
}

op_status remote_channel::try_send(std::span<const std::byte> message, bool carries) noexcept {
    try {
        byte_buffer arguments;
        put<std::uint64_t>(arguments, carries ? 1 : 0);
        arguments.append(message);
        return ask(home_op::try_send, arguments.span()).outcome;
    } catch (const std::bad_alloc&) {
        return op_status::exhausted;
    }
}

op_status remote_channel::try_receive(byte_buffer& into, held_objects* held) noexcept {
    const home_reply reply = ask(home_op::try_receive, {});
    if (reply.lost) undo(home_op::receive, reply.ticket);
    if (reply.outcome != op_status::done) return reply.outcome;
    try {
        decoder in(reply.body.span());
        read_message(in, into, held);
    } catch (const std::exception&) {
        undo(home_op::receive, reply.ticket);
        return op_status::exhausted;
    }
    tell(home_op::confirm, reply.ticket);
    return op_status::done;
}

bool remote_channel::closed() const noexcept { return ask_value(home_op::closed) != 0; }
std::size_t remote_channel::size() const noexcept { return static_cast<std::size_t>(ask_value(home_op::size)); }

op_status remote_lock::try_lock(bool& owner_died) noexcept {
    const home_reply reply = ask(home_op::try_lock, {});
    if (reply.lost) undo(home_op::lock, reply.ticket);
    owner_died = reply.owner_died();
    return reply.outcome;
}

void remote_lock::undo(home_op, std::uint64_t ticket) noexcept { tell(home_op::undo_lock, ticket); }

void remote_lock::take(pending_operation& p, home_op, std::uint64_t, decoder& in) {
    static_cast<lock_wait&>(p).owner_died = detail::take<std::uint64_t>(in) != 0;
}

byte_buffer remote_constant::fetch() {
    byte_buffer whole;
    const std::size_t all = size();
    while (whole.size() < all) {
        const std::uint64_t offset = whole.size();
        const home_reply reply = ask(home_op::fetch, std::as_bytes(std::span(&offset, 1)));
        require_alive(reply.outcome);
        const byte_buffer& part = reply.body;
        if (part.empty() || part.size() > all - whole.size()) throw codec_error("a shared constant is incomplete");
        if (offset == 0 && all > part.size()) whole.reserve(all);
        whole.append(part.span());
    }
    return whole;
}

void remote_constant::fill(std::span<const std::span<const std::byte>> pieces) {
    std::size_t left = size();
    for (auto piece : pieces)
        while (!piece.empty()) {
            const auto part = piece.first(std::min(piece.size(), constant_part));
            piece = piece.subspan(part.size());
            left -= part.size();
            // The answer to the last part reports whether all parts have arrived.
            if (left == 0) return require_alive(ask(home_op::fill, part).outcome);
            domain().tell(home_op::fill, number(), part);
        }
}

bool remote_semaphore::park(pending_operation& p) noexcept {
    const std::uint64_t count = static_cast<permit_wait&>(p).count;
    return begin(p, shared_from_this(), home_op::acquire, std::as_bytes(std::span(&count, 1)));
}

op_status remote_semaphore::try_acquire(std::uint32_t n) noexcept {
    const std::uint64_t count = n;
    return ask(home_op::try_acquire, std::as_bytes(std::span(&count, 1))).outcome;
}

bool remote_semaphore::release(std::uint32_t n) noexcept {
    const std::uint64_t count = n;
    return ask(home_op::add_permits, std::as_bytes(std::span(&count, 1))).outcome != op_status::closed;
}

std::uint32_t remote_semaphore::available() const noexcept {
    return static_cast<std::uint32_t>(ask_value(home_op::available));
}

}  // namespace cadre::detail
