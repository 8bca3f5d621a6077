// What each request of a worker does.

#include <algorithm>
#include <cstring>
#include <limits>
#include <memory>
#include <mutex>
#include <new>
#include <span>
#include <utility>

#include <cadre/detail/codec/codec.hpp>
#include <cadre/detail/state/cell_operation.hpp>

#include "state/home_operation.hpp"
#include "state/home_service.hpp"

namespace cadre::detail {

namespace {

// The approximate sizes of the records of these.
constexpr std::uint64_t object_bytes = 512;
constexpr std::uint64_t operation_bytes = 512;
constexpr std::uint64_t transit_bytes = 128;
constexpr std::uint64_t carrying_factor = 4;  // the objects that a message names are found, and listed beside it

constexpr std::uint64_t max_u32 = std::numeric_limits<std::uint32_t>::max();

// Calls only functions that were made for this: the worker names one.
cell_function cell_function_in(decoder& in) {
    const auto function = decode<cell_function>(in);
    if (!known_cell_function::contains(function)) throw_malformed("the name of a function that is no operation");
    return function;
}

std::span<const std::byte> rest_of(decoder& in) {
    const std::size_t size = in.remaining();
    return {in.read(size), size};
}

}  // namespace

/// One request. `handle` is the table of the operations; those that take more than a line are functions below it.
class home_service::request_handler {
public:
    /// @throws codec_error if the request has no operation or no number
    request_handler(home_service& service, home_client from, std::uint64_t ticket, decoder& in)
        : service_(service), domain_(*service.domain_), from_(from), ticket_(ticket), in_(in),
          op_(static_cast<home_op>(in.read_byte())), number_(take<home_number>(in)) {}

    void handle() {
        switch (op_) {
            case home_op::make_channel: return make_channel();
            case home_op::make_lock: return make(object_bytes, [&] { return domain_.make_lock(); });
            case home_op::make_shared_lock: return make(object_bytes, [&] { return domain_.make_shared_lock(); });
            case home_op::make_condition: return make(object_bytes, [&] { return domain_.make_condition(); });
            case home_op::make_semaphore: return make_semaphore();
            case home_op::make_cell: return make_cell();
            case home_op::make_constant: return make_constant();

            case home_op::exists: return answer_value(domain_.table()->find(number_) != nullptr ? 1 : 0);
            case home_op::hold: return service_.note_handle(from_, find<shared_object>(), number_);
            case home_op::release: return release();
            case home_op::begin_transit: return begin_transit();
            case home_op::end_transit: return end_transit();

            case home_op::send:
            case home_op::try_send: return send();
            case home_op::receive:
            case home_op::try_receive: return begin_on(find<home_channel>());
            case home_op::watch: return watch();
            case home_op::confirm: return confirm();
            case home_op::give_back: return give_back();
            case home_op::close: return find<home_channel>()->close();
            case home_op::closed: return answer_value(find<home_channel>()->closed() ? 1 : 0);
            case home_op::size: return answer_value(find<home_channel>()->size());

            case home_op::lock:
            case home_op::try_lock: return lock();
            case home_op::unlock: return unlock();
            case home_op::undo_lock: return undo_lock();
            case home_op::lock_shared:
            case home_op::try_lock_shared: return begin_on(find<home_shared_lock>());
            case home_op::unlock_shared: return unlock_shared();

            case home_op::await_notification: return begin_on(find<home_condition>());
            case home_op::notify_waiters: return notify_waiters();

            case home_op::acquire:
            case home_op::try_acquire: return acquire();
            case home_op::return_permits: return take_permits(&shared_semaphore::give_back);
            case home_op::forget_permits: return take_permits(&shared_semaphore::forget);
            case home_op::add_permits: return add_permits();
            case home_op::available: return answer_value(find<home_semaphore>()->available());

            case home_op::fill: return fill();
            case home_op::fetch: return fetch();

            case home_op::write: return write();
            case home_op::try_cell: return try_cell();
            case home_op::wait_cell: return wait_cell();
            case home_op::notify: return find<home_cell>()->notify();
        }
        throw_malformed("an unknown operation");
    }

    /// Empty: it comes later, or none is wanted.
    byte_buffer answer{};

private:
    void make_channel() {
        const auto capacity = take<std::uint64_t>(in_);
        if (capacity == 0 || capacity > max_channel_capacity) throw_malformed("an impossible capacity");
        make(object_bytes, [&] { return domain_.make_channel(static_cast<std::size_t>(capacity)); });
    }
    void make_semaphore() {
        const auto n = take<std::uint64_t>(in_);
        if (n > max_u32) throw_malformed("an impossible number of permits");
        make(object_bytes, [&] { return domain_.make_semaphore(static_cast<std::uint32_t>(n)); });
    }
    void make_cell() {
        const auto size = take<std::uint64_t>(in_);
        if (size == 0 || size > max_cell) throw_malformed("an impossible size of a cell");
        make(object_bytes + size, [&] { return domain_.make_cell(static_cast<std::size_t>(size), 1); });
    }
    void make_constant() {
        const auto size = take<std::uint64_t>(in_);
        if (size > max_constant) throw std::bad_alloc();
        make(object_bytes + size, [&] { return domain_.make_constant(static_cast<std::size_t>(size)); });
    }

    void release() {
        const auto count = take<std::uint64_t>(in_);
        take_from_possession([&](possession& p) {
            p.handles -= std::min(p.handles, count);
            return true;
        });
    }
    void begin_transit() {
        domain_.table()->begin_transit(number_, find<shared_object>(), service_.charge(from_, transit_bytes));
    }
    void end_transit() {
        {
            const std::lock_guard hold(service_.mutex_);
            // The worker that has decoded the bytes has a handle.
            if (service_.find_possession(from_, number_) == nullptr)
                throw_malformed("bytes that the worker has not decoded");
        }
        domain_.table()->end_transit(number_);
    }

    void send() {
        begin_on(find<home_channel>(), [&](operation& made) {
            made.message.carries = take<std::uint64_t>(in_) != 0;
            const std::span<const std::byte> message = rest_of(in_);
            if (made.message.carries)
                made.message.charge = service_.charge(from_, operation_bytes + message.size() * carrying_factor);
            made.message.bytes.append(message);
        });
    }
    void watch() {
        begin_on(find<home_channel>(), [&](operation& made) { made.queue = take<std::uint64_t>(in_) != 0 ? 1 : 0; });
    }
    void confirm() {
        const auto taken = service_.take_in_hand(from_, take<std::uint64_t>(in_));
        if (taken && taken->channel != nullptr) taken->channel->confirm();
    }
    void give_back() {
        if (auto taken = service_.take_in_hand(from_, take<std::uint64_t>(in_)))
            home_service::give_back(std::move(*taken));
    }

    void lock() {
        const auto object = find<shared_object>();
        const auto lock = lock_of(object);
        if (lock == nullptr) throw_malformed("a lock of an object that has none");
        begin_on(lock, [&](operation& made) { made.locked_cell = std::dynamic_pointer_cast<home_cell>(object); });
    }
    void unlock() {
        const auto held = take_from_possession([](possession& p) { return std::exchange(p.lock_ticket, 0u) != 0; });
        if (held == nullptr) throw_malformed("an unlock without a lock");
        struct unlocked {
            ~unlocked() { lock->unlock(); }
            const std::shared_ptr<process_lock> lock;
        };
        const unlocked at_the_end{lock_of(held)};
        if (in_.remaining() == 0) return;
        const auto offset = take<std::uint64_t>(in_);
        if (!find<home_cell>()->write(offset, rest_of(in_))) throw_malformed("bytes beyond the end of a cell");
    }
    // Only if the lock was given to the request with this ticket: else the worker has unlocked it by now, and may have
    // locked it again.
    void undo_lock() {
        const auto granted_to = take<std::uint64_t>(in_);
        const auto held = take_from_possession([&](possession& p) {
            if (p.lock_ticket == 0 || p.lock_ticket != granted_to) return false;
            p.lock_ticket = 0;
            return true;
        });
        if (held != nullptr) lock_of(held)->unlock();
    }
    void unlock_shared() {
        const auto held = take_from_possession([](possession& p) {
            if (p.shares == 0) return false;
            --p.shares;
            return true;
        });
        if (held == nullptr) throw_malformed("an unlock without a lock");
        static_cast<home_shared_lock&>(*held).unlock_shared();
    }

    void notify_waiters() {
        const auto count = take<std::uint64_t>(in_);
        find<home_condition>()->notify(
            static_cast<std::uint32_t>(std::min<std::uint64_t>(count, std::numeric_limits<std::uint32_t>::max())));
    }

    void acquire() {
        begin_on(find<home_semaphore>(), [&](operation& made) { made.permits = permits(); });
    }
    void take_permits(void (shared_semaphore::*pass_on)(std::uint32_t) noexcept) {
        const std::uint32_t n = permits();
        const auto held = take_from_possession([&](possession& p) {
            if (p.permits < n) return false;
            p.permits -= n;
            return true;
        });
        if (held == nullptr) throw_malformed("permits that were not acquired");
        (static_cast<shared_semaphore&>(*held).*pass_on)(n);
    }
    void add_permits() {
        put(answer, find<home_semaphore>()->release(permits()) ? op_status::done : op_status::closed);
    }

    void fill() {
        const std::span<const std::byte> part = rest_of(in_);
        const auto constant = find<home_constant>();
        try {
            if (!constant->append(part)) throw_malformed("a constant with too many bytes");
        } catch (...) {
            constant->fail();
            throw;
        }
        if (ticket_ == 0) return;
        // The last part. An earlier part may have been dropped for lack of memory.
        if (!constant->complete()) {
            constant->fail();
            throw std::bad_alloc();
        }
        put(answer, op_status::done);
    }
    void fetch() {
        const auto constant = find<home_constant>();
        const auto offset = take<std::uint64_t>(in_);
        put(answer, op_status::done);
        answer.reserve(answer_head + std::min<std::size_t>(constant_part, constant->size()) + home_answers::spare);
        constant->copy_part(offset, answer);
    }

    void write() {
        if (!find<home_cell>()->write(0, rest_of(in_))) throw_malformed("more bytes than a cell has");
        put(answer, op_status::done);
    }
    void try_cell() {
        const auto cell = find<home_cell>();
        const cell_function function = cell_function_in(in_);
        answer = cell_state();
        const op_status outcome = function(*cell, answer.span().subspan(answer_head), false);
        std::memcpy(answer.data(), &outcome, sizeof outcome);
    }
    void wait_cell() {
        begin_on(find<home_cell>(), [&](operation& made) {
            made.cell = cell_function_in(in_);
            made.message.bytes = cell_state();
        });
    }

    /// @throws codec_error if there is none with this number, or it is of another class
    template <class Object>
    [[nodiscard]] std::shared_ptr<Object> find() const {
        auto object = std::dynamic_pointer_cast<Object>(domain_.table()->find(number_));
        if (object == nullptr) throw_malformed("an operation on an object that does not exist");
        return object;
    }
    /// Makes an object and answers its number.
    template <class Make>
    void make(std::uint64_t bytes, Make make_object) {
        home_charge taken = service_.charge(from_, bytes);
        const auto made = make_object();
        auto& object = dynamic_cast<home_object&>(*made);
        object.set_charge(std::move(taken));
        service_.note_handle(from_, made, object.number());
        answer_value(object.number());
    }
    template <class Object>
    void begin_on(const std::shared_ptr<Object>& object) {
        begin_on(object, [](operation&) {});
    }
    /// Begins an operation that may wait, after `fill` has read its fields.
    template <class Object, class Fill>
    void begin_on(const std::shared_ptr<Object>& object, Fill fill) {
        if (ticket_ == 0) throw_malformed("an operation without an answer");
        home_charge taken = service_.charge(from_, operation_bytes + in_.remaining());
        auto made = std::make_shared<operation>(service_, from_, ticket_, op_, object, number_);
        made->message.charge = std::move(taken);
        fill(*made);
        service_.begin(from_, ticket_, std::move(made));
    }
    /// Takes back what the worker has of the object. `take`, under `mutex_`, returns whether the worker has that much.
    /// @return the object, to be used without `mutex_`, and to be destroyed there if this was the last owner; null: the
    /// worker does not have that much
    template <class Take>
    std::shared_ptr<shared_object> take_from_possession(Take take) {
        const std::lock_guard hold(service_.mutex_);
        possession* const p = service_.find_possession(from_, number_);
        if (p == nullptr || !take(*p)) return nullptr;
        std::shared_ptr<shared_object> object = p->object;
        service_.erase_if_empty(from_, number_);
        return object;
    }

    [[nodiscard]] std::uint32_t permits() {
        const auto n = take<std::uint64_t>(in_);
        if (n == 0 || n > max_u32) throw_malformed("an impossible number of permits");
        return static_cast<std::uint32_t>(n);
    }
    /// The state of an operation on a cell, behind the head of an answer: it is changed where it lies, and sent without
    /// memory that could be missing then.
    [[nodiscard]] byte_buffer cell_state() {
        const std::span<const std::byte> state = rest_of(in_);
        byte_buffer bytes;
        bytes.reserve(answer_head + state.size() + home_answers::spare);
        put(bytes, op_status::done);
        bytes.append(state);
        return bytes;
    }
    void answer_value(std::uint64_t value) {
        put(answer, op_status::done);
        put(answer, value);
    }

    home_service& service_;
    home_domain& domain_;
    const home_client from_;
    const std::uint64_t ticket_;  // 0: no answer is wanted
    decoder& in_;
    const home_op op_;
    const home_number number_;
};

byte_buffer home_service::handle(home_client from, std::uint64_t ticket, decoder& in) {
    request_handler handler(*this, from, ticket, in);
    handler.handle();
    return std::move(handler.answer);
}

}  // namespace cadre::detail
