#include "state/home_service.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <limits>
#include <new>
#include <thread>

#include <cadre/detail/codec/codec.hpp>
#include <cadre/detail/state/cell_operation.hpp>
#include <cadre/errors.hpp>

#include "state/home_operation.hpp"

namespace cadre::detail {

namespace {

constexpr std::size_t max_waits = std::size_t{1} << 15;        // of one worker
constexpr std::size_t max_received = 2 * max_waits;            // of one worker, that are not confirmed
// The approximate sizes of the records of these.
constexpr std::uint64_t object_bytes = 512;
constexpr std::uint64_t operation_bytes = 512;
constexpr std::uint64_t transit_bytes = 128;
constexpr std::uint64_t carrying_factor = 4;  // the objects that a message names are found, and listed beside it

byte_buffer status(op_status outcome) {
    byte_buffer answer;
    put(answer, outcome);
    return answer;
}

std::uint32_t permits_of(decoder& in) {
    const auto n = take<std::uint64_t>(in);
    if (n == 0 || n > std::numeric_limits<std::uint32_t>::max()) throw_malformed("an impossible number of permits");
    return static_cast<std::uint32_t>(n);
}

// Calls only functions that were made for this: the worker names one.
cell_function cell_function_in(decoder& in) {
    const auto function = decode<cell_function>(in);
    if (!known_cell_function::contains(function)) throw_malformed("the name of a function that is no operation");
    return function;
}

void try_cell(home_cell& cell, decoder& in, byte_buffer& answer) {
    const cell_function function = cell_function_in(in);
    const std::size_t size = in.remaining();
    answer.reserve(answer_head + size + home_answers::spare);
    put(answer, op_status::done);
    answer.append({in.read(size), size});
    const op_status outcome = function(cell, answer.span().subspan(answer_head), false);
    std::memcpy(answer.data(), &outcome, sizeof outcome);
}

}  // namespace

template <class Object>
std::shared_ptr<Object> home_service::find(home_number number) const {
    auto object = std::dynamic_pointer_cast<Object>(domain_->table()->find(number));
    if (object == nullptr) throw_malformed("an operation on an object that does not exist");
    return object;
}

void home_service::request(home_client from, std::uint64_t ticket, std::span<const std::byte> request) noexcept {
    clear_done();
    byte_buffer answer;
    try {
        decoder in(request);
        const auto op = static_cast<home_op>(in.read_byte());
        handle(from, ticket, in, op, answer);
        answer.reserve(answer.size() + home_answers::spare);
    } catch (const executor_stopped&) {
        answer = status(op_status::stopped);
    } catch (const std::bad_alloc&) {
        answer = status(op_status::exhausted);
    } catch (const std::exception&) {
        answer = status(op_status::broken);
    }
    if (ticket != 0 && !answer.empty()) answers_.answer(from, ticket, std::move(answer));
}

void home_service::clear_done() noexcept {
    std::shared_ptr<operation> done;
    {
        const std::lock_guard hold(mutex_);
        done.swap(done_);
    }
    while (done != nullptr)  // a loop instead of recursion: the destructor of one may add the next
        done = std::exchange(done->next_done, nullptr);
}

// Leaves `answer` empty if the answer is sent later.
void home_service::handle(home_client from, std::uint64_t ticket, decoder& in, home_op op, byte_buffer& answer) {
    const auto number = take<home_number>(in);
    const auto answer_value = [&](std::uint64_t value) {
        put(answer, op_status::done);
        put(answer, value);
    };
    const auto answer_made = [&]<class Object>(const std::shared_ptr<Object>& made, home_charge taken) {
        auto& object = dynamic_cast<home_object&>(*made);
        object.set_charge(std::move(taken));
        const home_number named = object.number();
        note_handle(from, made, named);
        answer_value(named);
    };
    const auto begin_on = [&]<class Object>(const std::shared_ptr<Object>& object, auto fill) {
        if (ticket == 0) throw_malformed("an operation without an answer");
        const std::uint64_t size = in.remaining();
        home_charge taken = charge(from, operation_bytes + size);
        auto made = std::make_shared<operation>(*this, from, ticket, op, object, number);
        made->message.charge = std::move(taken);
        fill(*made);
        begin(from, ticket, std::move(made));
    };
    switch (op) {
        case home_op::make_channel: {
            const auto capacity = take<std::uint64_t>(in);
            if (capacity == 0 || capacity > max_channel_capacity) throw_malformed("an impossible capacity");
            home_charge taken = charge(from, object_bytes);
            return answer_made(domain_->make_channel(static_cast<std::size_t>(capacity)), std::move(taken));
        }
        case home_op::make_lock: {
            home_charge taken = charge(from, object_bytes);
            return answer_made(domain_->make_lock(), std::move(taken));
        }
        case home_op::make_shared_lock: {
            home_charge taken = charge(from, object_bytes);
            return answer_made(domain_->make_shared_lock(), std::move(taken));
        }
        case home_op::make_condition: {
            home_charge taken = charge(from, object_bytes);
            return answer_made(domain_->make_condition(), std::move(taken));
        }
        case home_op::make_semaphore: {
            const auto n = take<std::uint64_t>(in);
            if (n > std::numeric_limits<std::uint32_t>::max()) throw_malformed("an impossible number of permits");
            home_charge taken = charge(from, object_bytes);
            return answer_made(domain_->make_semaphore(static_cast<std::uint32_t>(n)), std::move(taken));
        }
        case home_op::make_cell: {
            const auto size = take<std::uint64_t>(in);
            if (size == 0 || size > max_cell) throw_malformed("an impossible size of a cell");
            home_charge taken = charge(from, object_bytes + size);
            return answer_made(domain_->make_cell(static_cast<std::size_t>(size), 1), std::move(taken));
        }
        case home_op::make_constant: {
            const auto size = take<std::uint64_t>(in);
            if (size > max_constant) throw std::bad_alloc();
            home_charge taken = charge(from, object_bytes + size);
            return answer_made(domain_->make_constant(static_cast<std::size_t>(size)), std::move(taken));
        }
        case home_op::fill: {
            const std::size_t size = in.remaining();
            const auto constant = find<home_constant>(number);
            try {
                if (!constant->append({in.read(size), size})) throw_malformed("a constant with too many bytes");
            } catch (...) {
                constant->fail();
                throw;
            }
            if (ticket == 0) return;
            // The last part. An earlier part may have been dropped for lack of memory.
            if (!constant->complete()) {
                constant->fail();
                throw std::bad_alloc();
            }
            put(answer, op_status::done);
            return;
        }
        case home_op::fetch: {
            const auto constant = find<home_constant>(number);
            const auto offset = take<std::uint64_t>(in);
            put(answer, op_status::done);
            answer.reserve(answer_head + std::min<std::size_t>(constant_part, constant->size()) + home_answers::spare);
            return constant->copy_part(offset, answer);
        }
        case home_op::exists: return answer_value(domain_->table()->find(number) != nullptr ? 1 : 0);
        case home_op::hold: return note_handle(from, find<shared_object>(number), number);
        case home_op::release: {
            const auto count = take<std::uint64_t>(in);
            std::shared_ptr<shared_object> dropped;
            const std::lock_guard hold(mutex_);
            if (possession* const p = find_possession(from, number)) {
                p->handles -= std::min(p->handles, count);
                drop_if_empty(from, number, dropped);
            }
            return;
        }
        case home_op::begin_transit:
            return domain_->table()->begin_transit(number, find<shared_object>(number), charge(from, transit_bytes));
        case home_op::end_transit: {
            {
                const std::lock_guard hold(mutex_);
                // The worker that has decoded the bytes has a handle.
                if (find_possession(from, number) == nullptr) throw_malformed("bytes that the worker has not decoded");
            }
            return domain_->table()->end_transit(number);
        }
        case home_op::send:
        case home_op::try_send:
            return begin_on(find<home_channel>(number), [&](operation& made) {
                made.message.carries = take<std::uint64_t>(in) != 0;
                const std::size_t size = in.remaining();
                if (made.message.carries) made.message.charge = charge(from, operation_bytes + size * carrying_factor);
                made.message.bytes.append({in.read(size), size});
            });
        case home_op::receive:
        case home_op::try_receive: return begin_on(find<home_channel>(number), [](operation&) {});
        case home_op::watch:
            return begin_on(find<home_channel>(number),
                            [&](operation& made) { made.queue = take<std::uint64_t>(in) != 0 ? 1 : 0; });
        case home_op::confirm:
            if (auto taken = take_in_hand(from, take<std::uint64_t>(in)); taken && taken->channel != nullptr)
                taken->channel->confirm();
            return;
        case home_op::give_back:
            if (auto taken = take_in_hand(from, take<std::uint64_t>(in))) give_back(std::move(*taken));
            return;
        case home_op::close: return find<home_channel>(number)->close();
        case home_op::closed: return answer_value(find<home_channel>(number)->closed() ? 1 : 0);
        case home_op::size: return answer_value(find<home_channel>(number)->size());
        case home_op::lock:
        case home_op::try_lock: {
            const auto object = find<shared_object>(number);
            const auto lock = lock_of(object);
            if (lock == nullptr) throw_malformed("a lock of an object that has none");
            return begin_on(lock,
                            [&](operation& made) { made.locked_cell = std::dynamic_pointer_cast<home_cell>(object); });
        }
        case home_op::unlock: return release_lock(from, number, nullptr, in);
        case home_op::lock_shared:
        case home_op::try_lock_shared: return begin_on(find<home_shared_lock>(number), [](operation&) {});
        case home_op::unlock_shared: {
            std::shared_ptr<shared_object> dropped;
            std::shared_ptr<shared_object> held;
            {
                const std::lock_guard hold(mutex_);
                possession* const p = find_possession(from, number);
                if (p == nullptr || p->shares == 0) throw_malformed("an unlock without a lock");
                --p->shares;
                held = p->object;
                drop_if_empty(from, number, dropped);
            }
            return static_cast<home_shared_lock&>(*held).unlock_shared();
        }
        case home_op::await_notification: return begin_on(find<home_condition>(number), [](operation&) {});
        case home_op::notify_waiters: {
            const auto count = take<std::uint64_t>(in);
            return find<home_condition>(number)->notify(
                static_cast<std::uint32_t>(std::min<std::uint64_t>(count, std::numeric_limits<std::uint32_t>::max())));
        }
        case home_op::undo_lock: {
            const auto granted_to = take<std::uint64_t>(in);
            return release_lock(from, number, &granted_to, in);
        }
        case home_op::acquire:
        case home_op::try_acquire:
            return begin_on(find<home_semaphore>(number), [&](operation& made) { made.permits = permits_of(in); });
        case home_op::return_permits:
        case home_op::forget_permits: {
            const std::uint32_t n = permits_of(in);
            std::shared_ptr<shared_object> dropped;
            std::shared_ptr<shared_object> held;
            {
                const std::lock_guard hold(mutex_);
                possession* const p = find_possession(from, number);
                if (p == nullptr || p->permits < n) throw_malformed("permits that were not acquired");
                p->permits -= n;
                held = p->object;
                drop_if_empty(from, number, dropped);
            }
            auto& semaphore = static_cast<shared_semaphore&>(*held);
            return op == home_op::return_permits ? semaphore.give_back(n) : semaphore.forget(n);
        }
        case home_op::add_permits:
            put(answer, find<home_semaphore>(number)->release(permits_of(in)) ? op_status::done : op_status::closed);
            return;
        case home_op::available: return answer_value(find<home_semaphore>(number)->available());
        case home_op::write: {
            const std::size_t size = in.remaining();
            if (!find<home_cell>(number)->write(0, {in.read(size), size}))
                throw_malformed("more bytes than a cell has");
            put(answer, op_status::done);
            return;
        }
        case home_op::try_cell: return try_cell(*find<home_cell>(number), in, answer);
        case home_op::wait_cell: {
            const auto cell = find<home_cell>(number);
            return begin_on(cell, [&](operation& made) {
                made.cell = cell_function_in(in);
                const std::size_t size = in.remaining();
                // It becomes the answer, without memory that could be missing then.
                made.message.bytes.reserve(answer_head + size + home_answers::spare);
                put(made.message.bytes, op_status::done);
                made.message.bytes.append({in.read(size), size});
            });
        }
        case home_op::notify: return find<home_cell>(number)->notify();
    }
    throw_malformed("an unknown operation");
}

// `granted_to`: only if the lock was given to the request with this ticket.
void home_service::release_lock(home_client from, home_number number, const std::uint64_t* granted_to, decoder& in) {
    std::shared_ptr<shared_object> dropped;
    std::shared_ptr<shared_object> held;
    {
        const std::lock_guard hold(mutex_);
        possession* const p = find_possession(from, number);
        if (p == nullptr || p->lock_ticket == 0) throw_malformed("an unlock without a lock");
        if (granted_to != nullptr && p->lock_ticket != *granted_to) return;
        p->lock_ticket = 0;
        held = p->object;
        drop_if_empty(from, number, dropped);
    }
    struct unlocked {
        ~unlocked() { lock->unlock(); }
        const std::shared_ptr<process_lock> lock;
    };
    const unlocked at_the_end{lock_of(held)};
    if (in.remaining() == 0) return;
    const auto offset = take<std::uint64_t>(in);
    const std::size_t size = in.remaining();
    if (!find<home_cell>(number)->write(offset, {in.read(size), size}))
        throw_malformed("bytes beyond the end of a cell");
}

void home_service::begin(home_client from, std::uint64_t ticket, std::shared_ptr<operation> op) {
    {
        const std::lock_guard hold(mutex_);
        session& s = session_of(from);
        // A worker that confirms nothing would let messages accumulate here.
        if (s.waits.size() >= max_waits || s.received.size() >= max_received) throw std::bad_alloc();
        if (s.received.contains(ticket) || !s.waits.emplace(ticket, op).second)
            throw_malformed("a ticket is used twice");
        op->self = op;
    }
    if (op->waits()) return op->start();
    op->outcome = op->perform();
    completed(*op);
}

void home_service::stop(home_client from, std::uint64_t ticket) noexcept {
    std::shared_ptr<operation> op;
    {
        const std::lock_guard hold(mutex_);
        if (const auto s = sessions_.find(from); s != sessions_.end())
            if (const auto found = s->second.waits.find(ticket); found != s->second.waits.end()) op = found->second;
    }
    if (op == nullptr) return;
    op->stopping = true;
    shared_object::cancel(*op);  // without effect if it has been performed
}

void home_service::wait_for_completions(std::chrono::steady_clock::time_point deadline) noexcept {
    for (;;) {
        clear_done();
        if (operations_.load(std::memory_order_acquire) == 0 || std::chrono::steady_clock::now() >= deadline) return;
        std::this_thread::sleep_for(std::chrono::microseconds(50));  // between two instructions of another thread
    }
}

}  // namespace cadre::detail
