#include "state/remote_cell.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <exception>
#include <new>
#include <utility>

#include <cadre/detail/codec/codec.hpp>
#include <cadre/detail/state/block_operation.hpp>
#include <cadre/detail/state/lock_operation.hpp>

#include "state/blocking_request.hpp"
#include "state/remote_domain.hpp"

namespace cadre::detail {

namespace {

/// @throws not_portable, std::bad_alloc
byte_buffer named(cell_function operation, std::span<const std::byte> state) {
    byte_buffer request;
    encoder out(request);
    encode(out, operation);
    request.append(state);
    return request;
}

}  // namespace

void remote_cell::set_size(std::uint64_t size) {
    const std::lock_guard hold(mutex_);
    if (size == 0 || size > max_cell || (size_ != 0 && size_ != size)) throw_malformed("an impossible size of a cell");
    if (size_ != 0) return;
    const auto bytes = static_cast<std::size_t>(2 * size);
    copy_.reset(static_cast<std::byte*>(::operator new(bytes, std::align_val_t{cell_alignment})));
    std::memset(copy_.get(), 0, bytes);
    size_ = size;
}

// Whoever has a handle has set the size.
std::size_t remote_cell::size() const noexcept { return static_cast<std::size_t>(size_); }

void remote_cell::encode(encoder& out) const { encode_as(home_kind::cell, out, size_, shared_from_this()); }

op_status remote_cell::perform(cell_function operation, std::span<std::byte> state) noexcept {
    try {
        const home_reply reply = ask(home_op::try_cell, named(operation, state).span());
        const bool whole = reply.body.size() == state.size();
        if (whole) std::memcpy(state.data(), reply.body.data(), state.size());
        return reply.outcome == op_status::done && !whole ? op_status::broken : reply.outcome;
    } catch (const std::bad_alloc&) {
        return op_status::exhausted;
    } catch (const std::exception&) {
        return op_status::broken;
    }
}

// Nobody waits for an answer, but others may wait for the change: a process that cannot request it must end.
void remote_cell::perform_later(cell_function operation, std::span<std::byte> state) noexcept {
    domain().tell(home_op::try_cell, number(), named(operation, state).span());
}

op_status remote_cell::write_back() noexcept { return ask(home_op::write, {copy_.get(), size()}).outcome; }

bool remote_cell::park(pending_operation& p) noexcept {
    auto& waiting = static_cast<cell_wait&>(p);
    try {
        return begin(p, shared_from_this(), home_op::wait_cell,
                     named(waiting.function, writable_bytes(waiting.state, waiting.state_size)).span());
    } catch (const std::bad_alloc&) {
        p.outcome = op_status::exhausted;
    } catch (const std::exception&) {
        p.outcome = op_status::broken;
    }
    return false;
}

void remote_cell::take(pending_operation& p, home_op, std::uint64_t, decoder& in) {
    auto& waiting = static_cast<cell_wait&>(p);
    std::memcpy(waiting.state, in.read(waiting.state_size), waiting.state_size);
}

void remote_cell_lock::encode(encoder&) const { throw_local_handle("lock"); }

bool remote_cell_lock::read_grant(decoder& in) {
    const bool owner_died = detail::take<std::uint64_t>(in) != 0;
    const std::size_t size = cell_.size();
    const std::byte* const bytes = in.read(size);
    std::memcpy(cell_.copy_.get(), bytes, size);
    std::memcpy(cell_.copy_.get() + size, bytes, size);
    return owner_died;
}

op_status remote_cell_lock::try_lock(bool& owner_died) noexcept {
    const home_reply reply = ask(home_op::try_lock, {});
    if (reply.lost) undo(home_op::try_lock, reply.ticket);
    if (reply.outcome != op_status::done) return reply.outcome;
    try {
        decoder in(reply.body.span());
        owner_died = read_grant(in);
    } catch (const std::exception&) {
        undo(home_op::try_lock, reply.ticket);
        return op_status::broken;
    }
    return op_status::done;
}

bool remote_cell_lock::park(pending_operation& p) noexcept {
    return begin(p, {cell_.shared_from_this(), this}, home_op::lock, {});
}

void remote_cell_lock::take(pending_operation& p, home_op, std::uint64_t, decoder& in) {
    static_cast<lock_wait&>(p).owner_died = read_grant(in);
}

void remote_cell_lock::undo(home_op, std::uint64_t ticket) noexcept { tell(home_op::undo_lock, ticket); }

void remote_cell_lock::unlock() noexcept {
    const std::size_t size = cell_.size();
    const std::byte* const now = cell_.copy_.get();
    const std::byte* const before = now + size;
    const auto first = static_cast<std::size_t>(std::mismatch(now, now + size, before).first - now);
    if (first == size) return tell(home_op::unlock);
    std::size_t end = size;
    while (now[end - 1] == before[end - 1])
        --end;
    const std::uint64_t offset = first;
    constexpr home_op op = home_op::unlock;
    const home_number cell = number();
    domain().transport().send(std::array{std::as_bytes(std::span(&op, 1)), std::as_bytes(std::span(&cell, 1)),
                                         std::as_bytes(std::span(&offset, 1)),
                                         std::span<const std::byte>(now + first, end - first)},
                              nullptr);
}

}  // namespace cadre::detail
