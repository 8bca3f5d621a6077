/// @file
/// Channels, locks, semaphores and cells that live in the program's process and are used by workers of other hosts,
/// too.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include <cadre/detail/state/memory_domain.hpp>
#include <cadre/detail/state/object_registry.hpp>
#include <cadre/executor.hpp>

#include "state/heap_objects.hpp"
#include "state/home_budget.hpp"
#include "state/home_protocol.hpp"

namespace cadre::detail {

/// The objects of one domain by number. Thread-safe.
class home_table {
public:
    explicit home_table(const executor_identity& id) noexcept : identity(id) {}

    /// Random: a process that was given no handle of an object cannot name it. @throws std::system_error
    [[nodiscard]] static home_number next();
    void add(home_number number, std::weak_ptr<shared_object> object);
    void remove(home_number number) noexcept;
    /// Null if it no longer exists.
    [[nodiscard]] std::shared_ptr<shared_object> find(home_number number) noexcept;
    /// Bytes that own the object are on their way, and keep it alive until `end_transit`.
    void begin_transit(home_number number, std::shared_ptr<const shared_object> object, home_charge charge = {});
    void end_transit(home_number number) noexcept;
    /// Nothing in transit keeps an object alive any more.
    void stop() noexcept;

    const executor_identity identity;
    const std::shared_ptr<object_registry> registry = std::make_shared<object_registry>();

private:
    struct transit {
        std::shared_ptr<const shared_object> object;
        std::vector<home_charge> charges;  // one for each encoding in transit
    };
    std::mutex mutex_;  // a leaf: no object is destroyed under it
    std::map<home_number, std::weak_ptr<shared_object>> objects_;
    std::map<home_number, transit> transit_;
};

/// What these objects have in common: their number.
class home_object {
public:
    home_object(const home_object&) = delete;
    home_object& operator=(const home_object&) = delete;

    [[nodiscard]] home_number number() const noexcept { return number_; }
    /// Before other threads can find the object.
    void set_charge(home_charge charge) noexcept { charge_ = std::move(charge); }

protected:
    explicit home_object(std::shared_ptr<home_table> table) : table_(std::move(table)), number_(home_table::next()) {}
    ~home_object() { table_->remove(number_); }

    void encode_as(home_kind kind, encoder& out, std::uint64_t capacity,
                   std::shared_ptr<const shared_object> self) const;
    [[nodiscard]] home_table& table() const noexcept { return *table_; }

private:
    const std::shared_ptr<home_table> table_;
    const home_number number_;
    home_charge charge_;  // of the worker that has made it
};

/// A queue of encoded messages. A message that a worker has received is *in hand* until the worker confirms it; else it
/// returns to the front. The last receivers of a closed channel wait until nothing is in hand.
class home_channel final : public shared_channel,
                           public registered_object,
                           public home_object,
                           public std::enable_shared_from_this<home_channel> {
public:
    /// With its handles still named at its end, in `names_size` bytes, if it carries any.
    struct message {
        byte_buffer bytes{};
        bool carries = false;
        std::size_t names_size = 0;
        std::vector<std::pair<home_number, std::shared_ptr<shared_object>>> carried{};
        home_charge charge{};  // of the worker that has sent it
    };
    /// Nodes move between the queue and the workers' sessions without an allocation, which could fail.
    using messages = std::list<message>;

    home_channel(const std::shared_ptr<home_table>& table, std::size_t capacity);
    ~home_channel() override;

    void encode(encoder& out) const override;
    [[nodiscard]] op_status try_send(std::span<const std::byte> bytes, bool carries) noexcept override {
        home_charge none;
        return try_send(bytes, carries, none);
    }
    [[nodiscard]] op_status try_receive(byte_buffer& into, held_objects* held) noexcept override;
    [[nodiscard]] bool may_proceed(unsigned q) const noexcept override;
    void close() noexcept override;
    [[nodiscard]] bool closed() const noexcept override;
    [[nodiscard]] std::size_t size() const noexcept override;
    [[nodiscard]] std::size_t capacity() const noexcept override { return capacity_; }
    void stop() noexcept override;

    /// Sends for a worker. The message takes over the charge.
    [[nodiscard]] op_status try_send(std::span<const std::byte> bytes, bool carries, home_charge& charge) noexcept;
    /// Receives for a worker: the message is in hand.
    [[nodiscard]] op_status take(messages& into) noexcept;
    void confirm() noexcept;
    /// @param all the first one is to be received first
    void give_back(messages all) noexcept;

private:
    void interest(unsigned q, bool on) noexcept override { interest_[q].set(on); }
    /// The reason why no message can be received now.
    [[nodiscard]] op_status may_take() const noexcept;
    void retry_if_any(unsigned q) noexcept {
        if (interest_[q].any()) retry_waiters();
    }

    const std::size_t capacity_;
    mutable std::mutex mutex_;  // a leaf: guards what follows
    messages messages_;
    std::size_t in_hand_ = 0;
    bool closed_ = false;
    bool stopped_ = false;
    heap_interest interest_[2];
};

/// A lock whose owner may be a worker that dies.
class recoverable_lock : public heap_lock {
public:
    using heap_lock::heap_lock;

    [[nodiscard]] op_status try_lock(bool& owner_died) noexcept override;
    /// The worker that held the lock has died.
    void owner_died() noexcept;

private:
    std::atomic<bool> died_{false};  // the previous owner; set before the lock is free
};

class home_lock final : public recoverable_lock, public home_object, public std::enable_shared_from_this<home_lock> {
public:
    explicit home_lock(const std::shared_ptr<home_table>& table)
        : recoverable_lock(table->registry), home_object(table) {}

    void encode(encoder& out) const override { encode_as(home_kind::lock, out, 0, shared_from_this()); }
};

/// A block of a cell, an event, a latch or a barrier. Workers lock it, and get the bytes with the lock; or they name
/// operations on it.
class home_cell final : public heap_block, public home_object {
public:
    home_cell(const std::shared_ptr<home_table>& table, std::size_t size);

    void encode(encoder& out) const override { encode_as(home_kind::cell, out, size(), shared_from_this()); }
    [[nodiscard]] std::shared_ptr<process_lock> lock() override { return {shared_from_this(), &owned_}; }
    [[nodiscard]] std::size_t size() const noexcept override { return size_; }
    [[nodiscard]] recoverable_lock& owned() noexcept { return owned_; }
    /// Appends the bytes, which others may change atomically.
    void read(byte_buffer& to);
    /// @return false, without effect, if they do not fit
    [[nodiscard]] bool write(std::uint64_t offset, std::span<const std::byte> bytes) noexcept;

private:
    const std::size_t size_;
    recoverable_lock owned_;
};

/// Bytes that never change, once they are complete.
class home_constant final : public heap_block, public home_object {
public:
    /// Memory is taken when the bytes arrive.
    home_constant(const std::shared_ptr<home_table>& table, std::size_t size)
        : heap_block(table->registry, 0, 1), home_object(table), size_(size) {}

    [[nodiscard]] void* data() noexcept override { return bytes_.data(); }
    [[nodiscard]] std::size_t size() const noexcept override { return size_; }
    void encode(encoder& out) const override { encode_as(home_kind::constant, out, size(), shared_from_this()); }
    /// The bytes behind those that were appended before. @return false if they are too many @throws std::bad_alloc
    /// also after `fail`
    [[nodiscard]] bool append(std::span<const std::byte> bytes);
    [[nodiscard]] bool complete() noexcept;
    /// A part of the bytes was lost: the constant stays incomplete.
    void fail() noexcept;
    /// Appends a part of the bytes, nothing until they are complete. @throws std::bad_alloc after `fail`
    void copy_part(std::uint64_t offset, byte_buffer& to);

private:
    const std::size_t size_;
    std::mutex mutex_;  // a leaf: guards the bytes while they arrive
    byte_buffer bytes_;
    bool failed_ = false;
};

class home_semaphore final : public heap_semaphore,
                             public home_object,
                             public std::enable_shared_from_this<home_semaphore> {
public:
    home_semaphore(const std::shared_ptr<home_table>& table, std::uint32_t permits)
        : heap_semaphore(table->registry, permits), home_object(table) {}

    void encode(encoder& out) const override { encode_as(home_kind::semaphore, out, 0, shared_from_this()); }
};

}  // namespace cadre::detail
