/// @file
/// The memory domain of an executor of several hosts, in a worker: its objects live in the program's process.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>

#include <cadre/detail/state/memory_domain.hpp>
#include <cadre/executor.hpp>

#include "state/constant_home.hpp"
#include "state/home_protocol.hpp"
#include "state/remote_objects.hpp"

namespace cadre::detail {

/// Thread-safe. `make_*` block for one round trip.
class remote_domain final : public memory_domain,
                            public constant_home,
                            public std::enable_shared_from_this<remote_domain> {
public:
    remote_domain(const executor_identity& id, home_transport& transport) noexcept
        : identity_(id), transport_(transport) {}

    [[nodiscard]] std::shared_ptr<shared_channel> make_channel(std::size_t capacity) override;
    [[nodiscard]] std::shared_ptr<process_lock> make_lock() override;
    [[nodiscard]] std::shared_ptr<shared_semaphore> make_semaphore(std::uint32_t permits) override;
    [[nodiscard]] std::shared_ptr<process_shared_lock> make_shared_lock() override;
    [[nodiscard]] std::shared_ptr<shared_condition> make_condition() override;
    [[nodiscard]] std::shared_ptr<shared_block> make_block(std::size_t size, std::size_t alignment) override;
    [[nodiscard]] std::shared_ptr<shared_block> make_cell(std::size_t size, std::size_t alignment) override;

    [[nodiscard]] std::shared_ptr<shared_channel> take_channel(decoder& in) override;
    [[nodiscard]] std::shared_ptr<process_lock> take_lock(decoder& in) override;
    [[nodiscard]] std::shared_ptr<shared_semaphore> take_semaphore(decoder& in) override;
    [[nodiscard]] std::shared_ptr<process_shared_lock> take_shared_lock(decoder& in) override;
    [[nodiscard]] std::shared_ptr<shared_condition> take_condition(decoder& in) override;
    [[nodiscard]] std::shared_ptr<shared_block> take_block(decoder& in) override;
    [[nodiscard]] std::shared_ptr<shared_block> take_cell(decoder& in) override;

    [[nodiscard]] std::shared_ptr<shared_block>
    make_constant(std::span<const std::span<const std::byte>> pieces) override;
    [[nodiscard]] bool constant_exists(decoder& in) override;

    [[nodiscard]] const executor_identity& identity() const noexcept { return identity_; }
    [[nodiscard]] home_transport& transport() const noexcept { return transport_; }
    /// The object of a handle that the home has counted for this process already. @throws codec_error
    [[nodiscard]] std::shared_ptr<shared_object> adopt(const handle_name& name);
    void forget(home_number number, const remote_object* object) noexcept;
    /// A request without an answer.
    void tell(home_op op, home_number number, std::span<const std::byte> arguments) noexcept;

private:
    struct known {
        std::weak_ptr<shared_object> object;
        const remote_object* address = nullptr;
    };
    template <class Object>
    [[nodiscard]] std::shared_ptr<Object> find_or_make(home_number number);
    template <class Object>
    [[nodiscard]] std::shared_ptr<Object> make(home_op op, std::uint64_t argument);
    template <class Object>
    [[nodiscard]] std::shared_ptr<Object> decode(decoder& in, home_kind kind, std::uint64_t* capacity = nullptr);

    const executor_identity identity_;
    home_transport& transport_;
    std::mutex mutex_;  // a leaf: no object is destroyed under it
    std::map<home_number, known> known_;
};

}  // namespace cadre::detail
