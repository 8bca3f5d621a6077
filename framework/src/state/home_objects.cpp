#include "state/home_objects.hpp"

#include <algorithm>
#include <exception>
#include <new>
#include <utility>

#include "base/random_bytes.hpp"

namespace cadre::detail {

home_number home_table::next() {
    home_number number = 0;
    while (number == 0)
        fill_random(&number, sizeof number);
    return number;
}

void home_table::add(home_number number, std::weak_ptr<shared_object> object) {
    const std::lock_guard hold(mutex_);
    objects_[number] = std::move(object);
}

void home_table::remove(home_number number) noexcept {
    const std::lock_guard hold(mutex_);
    objects_.erase(number);
}

std::shared_ptr<shared_object> home_table::find(home_number number) noexcept {
    const std::lock_guard hold(mutex_);
    const auto found = objects_.find(number);
    return found != objects_.end() ? found->second.lock() : nullptr;
}

void home_table::begin_transit(home_number number, std::shared_ptr<const shared_object> object, home_charge charge) {
    const std::lock_guard hold(mutex_);
    transit& t = transit_[number];
    t.charges.push_back(std::move(charge));
    if (t.object == nullptr) t.object = std::move(object);
}

void home_table::end_transit(home_number number) noexcept {
    std::shared_ptr<const shared_object> last;  // destroyed after the mutex is released
    const std::lock_guard hold(mutex_);
    const auto found = transit_.find(number);
    if (found == transit_.end()) return;
    if (found->second.charges.size() > 1) return found->second.charges.pop_back();
    last = std::move(found->second.object);
    transit_.erase(found);
}

void home_table::stop() noexcept {
    std::map<home_number, transit> all;
    const std::lock_guard hold(mutex_);
    all.swap(transit_);
}

void home_object::encode_as(home_kind kind, encoder& out, std::uint64_t capacity,
                            std::shared_ptr<const shared_object> self) const {
    if (encode_home_handle(out, kind, table_->identity, number_, capacity, self))
        table_->begin_transit(number_, std::move(self));
}

home_channel::home_channel(const std::shared_ptr<home_table>& table, std::size_t capacity)
    : registered_object(table->registry), home_object(table), capacity_(capacity) {
    add_to_registry();
}

// A message may carry the last handle of a channel with such messages, and so on: they are destroyed one after the
// other, not within each other.
home_channel::~home_channel() {
    remove_from_registry();
    static thread_local messages* ending = nullptr;
    if (ending != nullptr) {
        ending->splice(ending->end(), messages_);
        return;
    }
    messages all;
    ending = &all;
    all.splice(all.end(), messages_);
    while (!all.empty())
        all.pop_front();
    ending = nullptr;
}

void home_channel::encode(encoder& out) const { encode_as(home_kind::channel, out, capacity_, shared_from_this()); }

op_status home_channel::try_send(std::span<const std::byte> bytes, bool carries, home_charge& charge) noexcept {
    try {
        messages made(1);
        message& m = made.front();
        m.carries = carries;
        handle_names names;
        if (carries) m.names_size = read_names(bytes, names);
        for (const handle_name& n : names) {
            auto object = is_home_name(n) ? table().find(number_of(n)) : nullptr;
            if (object == nullptr) return op_status::foreign;
            m.carried.emplace_back(number_of(n), std::move(object));
        }
        {
            const std::lock_guard hold(mutex_);
            if (stopped_) return op_status::stopped;
            if (closed_) return op_status::closed;
            if (messages_.size() >= capacity_) return op_status::would_block;
            m.bytes.append(bytes);
            m.charge = std::move(charge);
            messages_.splice(messages_.end(), made);
        }
        retry_if_any(0);
        return op_status::done;
    } catch (const std::bad_alloc&) {
        return op_status::exhausted;
    }
}

op_status home_channel::may_take() const noexcept {
    if (stopped_) return op_status::stopped;
    if (messages_.empty()) return closed_ && in_hand_ == 0 ? op_status::closed : op_status::would_block;
    return op_status::done;
}

op_status home_channel::try_receive(byte_buffer& into, held_objects* held) noexcept {
    messages taken;
    bool last = false;
    {
        const std::lock_guard hold(mutex_);
        if (const op_status outcome = may_take(); outcome != op_status::done) return outcome;
        if (held != nullptr) {
            try {
                held->reserve(held->size() + messages_.front().carried.size());
            } catch (const std::bad_alloc&) {
                return op_status::exhausted;
            }
        }
        taken.splice(taken.end(), messages_, messages_.begin());
        last = closed_ && messages_.empty() && in_hand_ == 0;
    }
    retry_if_any(1);
    if (last) retry_if_any(0);
    message& m = taken.front();
    m.bytes.resize_uninitialized(m.bytes.size() - m.names_size);
    if (held != nullptr)
        for (auto& [number, object] : m.carried)
            held->push_back(std::move(object));
    into = std::move(m.bytes);
    return op_status::done;
}

op_status home_channel::take(messages& into) noexcept {
    {
        const std::lock_guard hold(mutex_);
        if (const op_status outcome = may_take(); outcome != op_status::done) return outcome;
        into.splice(into.end(), messages_, messages_.begin());
        ++in_hand_;
    }
    retry_if_any(1);
    return op_status::done;
}

void home_channel::confirm() noexcept {
    {
        const std::lock_guard hold(mutex_);
        if (--in_hand_ != 0 || !closed_ || !messages_.empty()) return;
    }
    retry_if_any(0);
}

void home_channel::give_back(messages all) noexcept {
    {
        const std::lock_guard hold(mutex_);
        in_hand_ -= all.size();
        messages_.splice(messages_.begin(), all);
    }
    retry_if_any(0);
}

bool home_channel::may_proceed(unsigned q) const noexcept {
    const std::lock_guard hold(mutex_);
    if (stopped_) return true;
    if (q == 0) return !messages_.empty() || (closed_ && in_hand_ == 0);
    return closed_ || messages_.size() < capacity_;
}

void home_channel::close() noexcept {
    {
        const std::lock_guard hold(mutex_);
        if (std::exchange(closed_, true)) return;
    }
    retry_waiters();
}

bool home_channel::closed() const noexcept {
    const std::lock_guard hold(mutex_);
    return closed_;
}

std::size_t home_channel::size() const noexcept {
    const std::lock_guard hold(mutex_);
    return messages_.size();
}

void home_channel::stop() noexcept {
    {
        const std::lock_guard hold(mutex_);
        stopped_ = true;
    }
    retry_waiters();
}

bool home_constant::append(std::span<const std::byte> bytes) {
    const std::lock_guard hold(mutex_);
    if (failed_) throw std::bad_alloc();
    if (bytes.size() > size_ - bytes_.size()) return false;
    bytes_.append(bytes);
    return true;
}

bool home_constant::complete() noexcept {
    const std::lock_guard hold(mutex_);
    return !failed_ && bytes_.size() == size_;
}

void home_constant::fail() noexcept {
    const std::lock_guard hold(mutex_);
    if (bytes_.size() == size_) return;
    failed_ = true;
    bytes_ = byte_buffer();
}

void home_constant::copy_part(std::uint64_t offset, byte_buffer& to) {
    const std::lock_guard hold(mutex_);
    if (failed_) throw std::bad_alloc();
    if (bytes_.size() != size_ || offset >= size_) return;
    const auto at = static_cast<std::size_t>(offset);
    to.append(std::span<const std::byte>(bytes_.span()).subspan(at, std::min(constant_part, size_ - at)));
}

op_status recoverable_lock::try_lock(bool& owner_died) noexcept {
    const op_status outcome = heap_lock::try_lock(owner_died);
    if (outcome == op_status::done) owner_died = died_.exchange(false, std::memory_order_acq_rel);
    return outcome;
}

void recoverable_lock::owner_died() noexcept {
    died_.store(true, std::memory_order_release);
    unlock();
}

}  // namespace cadre::detail
