/// @file
/// Channels, locks and semaphores that live in another process: each operation is a request to their home.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <span>

#include <cadre/detail/state/memory_domain.hpp>

#include "state/constant_home.hpp"
#include "state/home_protocol.hpp"

namespace cadre::detail {

/// How a process reaches the home of its objects. Requests arrive in the order in which one thread sends them, and
/// before whatever that thread sends to the parent process afterwards. Thread-safe.
class home_transport {
public:
    /// Waits for one answer.
    class receiver {
    public:
        /// Any thread, once. The receiver may be destroyed in it.
        virtual void answered(std::span<const std::byte> answer) noexcept = 0;
        std::uint64_t ticket = 0;  ///< set before the request is sent

    protected:
        ~receiver() = default;
    };

    virtual ~home_transport() = default;
    /// @param to null: no answer is wanted. If the request cannot be sent, `to` is answered before this returns
    virtual void send(std::span<const std::span<const std::byte>> request, receiver* to) noexcept = 0;
    /// Requests that the home answers this wait now.
    virtual void stop(std::uint64_t ticket) noexcept = 0;
    /// Blocks this thread until `done`, which an answer sets and notifies.
    virtual void wait(const std::atomic<bool>& done) noexcept = 0;
};

class remote_domain;
struct home_reply;

/// A process's view of one object. Operations that wait are requests, withdrawn by a stop request: the home decides
/// whether they were performed, and its answer ends the wait. Others block the thread for one round trip.
class remote_object {
public:
    remote_object(const remote_object&) = delete;
    remote_object& operator=(const remote_object&) = delete;

    [[nodiscard]] home_number number() const noexcept { return number_; }
    /// The home counts one more handle of this process, which the object gives back at its end.
    void add_handle() noexcept { handles_.fetch_add(1, std::memory_order_relaxed); }

protected:
    using pending = shared_object::pending_operation;

    remote_object(std::shared_ptr<remote_domain> domain, home_number number) noexcept;
    ~remote_object();

    [[nodiscard]] remote_domain& domain() const noexcept { return *domain_; }
    void encode_as(home_kind kind, encoder& out, std::uint64_t capacity, std::shared_ptr<const void> self) const;

    void tell(home_op op) const noexcept;
    void tell(home_op op, std::uint64_t value) const noexcept;
    /// Blocks.
    [[nodiscard]] home_reply ask(home_op op, std::span<const std::byte> arguments) const noexcept;
    /// Blocks. @return the answer; 0 if there is none
    [[nodiscard]] std::uint64_t ask_value(home_op op) const noexcept;

    /// Begins a wait. @return true, or false if `p.outcome` is the result
    [[nodiscard]] bool begin(pending& p, std::shared_ptr<shared_object> self, home_op op,
                             std::span<const std::byte> arguments) noexcept;
    void withdraw(pending& p) noexcept;
    /// The answer will be ignored, and what it grants given back. @return false if the wait has ended
    [[nodiscard]] bool detach(pending& p) noexcept;

    /// Takes over the result of a performed wait. @throws codec_error, std::bad_alloc
    virtual void take(pending& /*p*/, home_op /*op*/, std::uint64_t /*ticket*/, decoder& /*in*/) {}
    /// An operation was performed, but no task takes its result: returns to the home what it has granted.
    virtual void undo(home_op /*op*/, std::uint64_t /*ticket*/) noexcept {}

private:
    class wait;

    const std::shared_ptr<remote_domain> domain_;
    const home_number number_;
    std::atomic<std::uint64_t> handles_{0};
    std::mutex mutex_;  // a leaf: guards the waits; the transport sends under it
    std::map<const pending*, wait*> waits_;
};

/// An object of the kind `Interface` in another process, which serves its waiters.
template <class Interface>
class remote_view : public Interface, public remote_object {
public:
    [[nodiscard]] bool remove(shared_object::pending_operation& p) noexcept final { return detach(p); }

protected:
    template <class... Args>
    remote_view(std::shared_ptr<remote_domain> domain, home_number number, Args... args) noexcept
        : Interface(args...), remote_object(std::move(domain), number) {}
    ~remote_view() override = default;

    void interest(unsigned, bool) noexcept final {}
    void cancel_wait(shared_object::pending_operation& p) noexcept final { remote_object::withdraw(p); }
};

class remote_channel final : public remote_view<shared_channel>, public std::enable_shared_from_this<remote_channel> {
public:
    remote_channel(std::shared_ptr<remote_domain> domain, home_number number) noexcept
        : remote_view(std::move(domain), number) {
        always_park();
    }

    void set_capacity(std::uint64_t capacity) noexcept { capacity_.store(capacity, std::memory_order_relaxed); }

    void encode(encoder& out) const override { encode_as(home_kind::channel, out, capacity(), shared_from_this()); }
    [[nodiscard]] op_status try_send(std::span<const std::byte> message, bool carries) noexcept override;
    [[nodiscard]] op_status try_receive(byte_buffer& into, held_objects* held) noexcept override;
    [[nodiscard]] bool may_proceed(unsigned) const noexcept override { return false; }
    void close() noexcept override { tell(home_op::close); }
    [[nodiscard]] bool closed() const noexcept override;
    [[nodiscard]] std::size_t size() const noexcept override;
    [[nodiscard]] std::size_t capacity() const noexcept override {
        return static_cast<std::size_t>(capacity_.load(std::memory_order_relaxed));
    }
    [[nodiscard]] bool park(pending_operation& p) noexcept override;

private:
    void take(pending_operation& p, home_op op, std::uint64_t ticket, decoder& in) override;
    void undo(home_op op, std::uint64_t ticket) noexcept override;
    void read_message(decoder& in, byte_buffer& into, held_objects* held);

    std::atomic<std::uint64_t> capacity_{0};
};

class remote_lock final : public remote_view<process_lock>, public std::enable_shared_from_this<remote_lock> {
public:
    remote_lock(std::shared_ptr<remote_domain> domain, home_number number) noexcept
        : remote_view(std::move(domain), number) {
        always_park();
    }

    void encode(encoder& out) const override { encode_as(home_kind::lock, out, 0, shared_from_this()); }
    [[nodiscard]] op_status try_lock(bool& owner_died) noexcept override;
    void unlock() noexcept override { tell(home_op::unlock); }
    [[nodiscard]] bool park(pending_operation& p) noexcept override {
        return begin(p, shared_from_this(), home_op::lock, {});
    }

private:
    void take(pending_operation& p, home_op op, std::uint64_t ticket, decoder& in) override;
    void undo(home_op op, std::uint64_t ticket) noexcept override;
};

/// Bytes that are fetched when they are decoded.
class remote_constant final : public remote_view<shared_block>,
                              public fetched_block,
                              public std::enable_shared_from_this<remote_constant> {
public:
    remote_constant(std::shared_ptr<remote_domain> domain, home_number number) noexcept
        : remote_view(std::move(domain), number) {}

    void set_size(std::uint64_t size) noexcept { size_.store(size, std::memory_order_relaxed); }

    void encode(encoder& out) const override { encode_as(home_kind::constant, out, size(), shared_from_this()); }
    [[nodiscard]] void* data() noexcept override { return nullptr; }
    [[nodiscard]] std::size_t size() const noexcept override {
        return static_cast<std::size_t>(size_.load(std::memory_order_relaxed));
    }
    [[nodiscard]] std::shared_ptr<process_lock> lock() override { return nullptr; }
    [[nodiscard]] op_status alive() const noexcept override { return op_status::done; }
    void notify() noexcept override {}
    /// Blocks for a round trip for each part.
    [[nodiscard]] byte_buffer fetch() override;
    /// For a constant that this process has made.
    /// @throws std::bad_alloc if the home has no memory for it, executor_stopped
    void fill(std::span<const std::span<const std::byte>> pieces);

private:
    std::atomic<std::uint64_t> size_{0};
};

class remote_semaphore final : public remote_view<shared_semaphore>,
                               public std::enable_shared_from_this<remote_semaphore> {
public:
    remote_semaphore(std::shared_ptr<remote_domain> domain, home_number number) noexcept
        : remote_view(std::move(domain), number) {
        always_park();
    }

    void encode(encoder& out) const override { encode_as(home_kind::semaphore, out, 0, shared_from_this()); }
    [[nodiscard]] op_status try_acquire(std::uint32_t n) noexcept override;
    void give_back(std::uint32_t n) noexcept override { tell(home_op::return_permits, n); }
    void forget(std::uint32_t n) noexcept override { tell(home_op::forget_permits, n); }
    [[nodiscard]] bool release(std::uint32_t n) noexcept override;
    [[nodiscard]] std::uint32_t available() const noexcept override;
    /// Its waits are never abandoned, and their answers have nothing behind the status that could be lost.
    [[nodiscard]] bool park(pending_operation& p) noexcept override;
};

}  // namespace cadre::detail
