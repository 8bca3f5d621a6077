/// @file
/// Operations on the bytes of a block by name: one interface, whether the bytes are here or in another process.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstring>
#include <new>
#include <span>
#include <type_traits>

#include <cadre/detail/state/memory_domain.hpp>
#include <cadre/detail/state/state_objects.hpp>

namespace cadre::detail {

/// An operation or a condition, which travels as plain bytes: all processes of a domain have one build. `check` works
/// on the bytes of a block of at least `block_size` bytes; `would_block` means that it is called again after the next
/// notification. It is called by one thread at a time. What it stores in its members is what the caller gets.
template <class Operation>
concept cell_operation = std::is_trivially_copyable_v<Operation> && requires(Operation operation, shared_block& block) {
    { operation.check(block) } noexcept -> std::same_as<op_status>;
    { Operation::block_size } -> std::convertible_to<std::size_t>;
};

/// An operation that has changed the bytes before it waits. `withdraw` reverts that for a stop request, or returns
/// false if the condition is fulfilled by now.
template <class Operation>
concept withdrawable_operation = cell_operation<Operation> && requires(const Operation operation, shared_block& block) {
    { operation.withdraw(block) } noexcept -> std::same_as<bool>;
};

/// The functions that other processes may name, one for each type of operation; made by static initialisation.
class known_cell_function {
public:
    explicit known_cell_function(cell_function f) noexcept;
    [[nodiscard]] cell_function function() const noexcept { return function_; }
    [[nodiscard]] static bool contains(cell_function f) noexcept;

private:
    cell_function function_;
    const known_cell_function* next_ = nullptr;
};

/// Not inline: the constraints of a span's constructors are expensive to compile.
[[nodiscard]] std::span<std::byte> writable_bytes(void* bytes, std::size_t count) noexcept;

/// The name of a type of operation.
template <cell_operation Operation>
class cell_name {
public:
    [[nodiscard]] static cell_function function() noexcept { return known.function(); }

private:
    static op_status perform(shared_block& block, std::span<std::byte> state, bool withdraw) noexcept {
        if (state.size() != sizeof(Operation) || block.size() < Operation::block_size) return op_status::broken;
        alignas(Operation) std::byte copy[sizeof(Operation)];
        std::memcpy(copy, state.data(), sizeof copy);
        auto& operation = *std::launder(reinterpret_cast<Operation*>(copy));
        if constexpr (withdrawable_operation<Operation>)
            if (withdraw && operation.withdraw(block)) return op_status::would_block;
        const op_status outcome =
            withdraw && !withdrawable_operation<Operation> ? op_status::would_block : operation.check(block);
        std::memcpy(state.data(), copy, sizeof copy);
        return outcome;
    }

    static inline const known_cell_function known{&perform};
};

template <cell_operation Operation>
[[nodiscard]] std::span<std::byte> state_of(Operation& operation) noexcept {
    return writable_bytes(&operation, sizeof operation);
}

/// Performs the operation where the bytes are, once. Blocks for one round trip if they are elsewhere.
template <cell_operation Operation>
[[nodiscard]] op_status try_cell(shared_block& block, Operation& operation) noexcept {
    if (!block.elsewhere()) return operation.check(block);
    return block.perform(cell_name<Operation>::function(), state_of(operation));
}

/// For an operation that does not wait. @return what it has stored
/// @throws executor_stopped, std::bad_alloc if it has not reached the bytes elsewhere
template <cell_operation Operation>
Operation perform_cell(shared_block& block, Operation operation) {
    require_alive(try_cell(block, operation));
    return operation;
}

/// For an operation without a result: does not wait for an answer.
template <cell_operation Operation>
void perform_cell_later(shared_block& block, Operation operation) noexcept {
    if (block.elsewhere())
        block.perform_later(cell_name<Operation>::function(), state_of(operation));
    else
        static_cast<void>(operation.check(block));
}

}  // namespace cadre::detail
