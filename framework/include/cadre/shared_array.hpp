/// @file
/// `shared_array<T>`: an array in memory that all tasks share, on threads and in worker processes;
/// `shared_array<T, 2>`: a table.
///
///     cadre::shared_array<int> numbers{ex, {1, 2, 3, 4}};
///     cadre::shared_array<double, 2> grid{ex, {rows, columns}};
///     grid(0, 1) = numbers[2];
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <concepts>
#include <cstddef>
#include <initializer_list>
#include <memory>
#include <new>
#include <ranges>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>
#include <version>
#ifdef __cpp_lib_mdspan
#    include <mdspan>
#endif

#include <cadre/detail/codec/convert_argument.hpp>
#include <cadre/detail/state/cell_array.hpp>
#include <cadre/detail/state/cell_guard.hpp>
#include <cadre/detail/state/cell_types.hpp>
#include <cadre/detail/state/lock_operation.hpp>
#include <cadre/detail/state/state_objects.hpp>
#include <cadre/executor.hpp>
#include <cadre/shared_array_view.hpp>

namespace cadre {

/// An array of fixed size in the memory domain of an executor. All copies of the handle, also those in worker
/// processes, refer to the same array; the elements are never copied. `T` is trivially copyable and contains no
/// pointers, references or views. Elements of a `Rank` above 1 are laid out row by row.
///
/// Element access is plain memory access: distinct elements may be written at the same time. For an element that
/// several tasks write, use `atomic` or hold the `lock`. A const handle still gives access to mutable elements, like
/// `std::span`. The memory stays valid as long as a handle exists.
template <class T, std::size_t Rank = 1>
class shared_array {
    static_assert(Rank != 0, "cadre::shared_array: the rank is the number of dimensions, at least 1");

public:
    using value_type = T;
    using element_type = T;
    using iterator = T*;
    using const_iterator = T*;
    using guard = detail::array_guard<T>;
    static constexpr bool cadre_portable_handle = true;

    /// A move copies: the handle that was moved from stays usable.
    shared_array(const shared_array&) = default;
    shared_array& operator=(const shared_array&) = default;

    /// The elements of a braced list: `shared_array<int> a{ex, {1, 2, 3}}`.
    /// @throws not_portable if `ex` has no memory domain or is of several hosts, executor_stopped after its shutdown,
    /// std::bad_alloc
    shared_array(const executor& ex, std::initializer_list<T> elements)
        requires(Rank == 1)
        : shared_array(ex, elements_of, elements) {}

    /// `source` is a number of elements, which are zero, or a range of the elements.
    /// @throws std::invalid_argument if the number is negative; std::range_error if an element does not fit `T`;
    /// not_portable, executor_stopped, std::bad_alloc
    template <class Source>
        requires(Rank == 1)
    shared_array(const executor& ex, Source&& source) {
        using plain_source = std::remove_cvref_t<Source>;
        if constexpr (std::integral<plain_source>) {
            allocate(ex, {detail::checked_extent(source)});
        } else if constexpr (std::ranges::input_range<Source>) {
            constexpr bool converts = std::is_convertible_v<std::ranges::range_reference_t<Source>, T>;
            static_assert(converts,
                          "cadre::shared_array<T>: the elements of the range do not convert to T (a range of ranges "
                          "needs a shared_array of rank 2, made with its extents)");
            if constexpr (converts) fill(ex, source);
        } else {
            static_assert(
                std::integral<plain_source>,
                "cadre::shared_array<T>: the second argument is the number of elements, a braced list of elements or "
                "a range");
        }
    }

    /// Zeroed elements: `shared_array<double, 2> m{ex, {rows, columns}}`.
    /// @throws std::invalid_argument if an extent is negative; std::bad_alloc; not_portable, executor_stopped
    template <std::integral N>
        requires(Rank > 1)
    shared_array(const executor& ex, const N (&extents)[Rank]) {
        std::array<std::size_t, Rank> sizes;
        for (std::size_t d = 0; d < Rank; ++d)
            sizes[d] = detail::checked_extent(extents[d]);
        allocate(ex, sizes);
    }
    /// Extents of different integral types.
    shared_array(const executor& ex, detail::mixed_extents<Rank> extents)
        requires(Rank > 1)
    {
        allocate(ex, extents.sizes);
    }

    // Plausible mistakes, rejected with a reason.
    template <class U>
    shared_array(const executor&, std::initializer_list<std::initializer_list<U>>) {
        static_assert(
            sizeof(U) == 0,
            "cadre::shared_array: a nested list of elements is not an initialiser; make a shared_array<T, 2> with its "
            "extents {rows, columns} and assign the elements");
    }
    template <std::integral N, std::size_t Count>
        requires(Rank > 1 && Count != Rank)
    shared_array(const executor&, const N (&)[Count]) {
        static_assert(Count == Rank, "cadre::shared_array: give one extent for each dimension");
    }

    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
    /// The number of elements along dimension `d`, which is below `Rank`.
    [[nodiscard]] std::size_t extent(std::size_t d) const noexcept { return extents_[d]; }
    [[nodiscard]] T* data() const noexcept { return data_; }
    [[nodiscard]] T* begin() const noexcept { return data_; }
    [[nodiscard]] T* end() const noexcept { return data_ + size_; }
    [[nodiscard]] std::span<T> span() const noexcept { return {data_, size_}; }

    /// For loops over elements: see `shared_array_view`. Valid as long as a handle to the array exists.
    [[nodiscard]] shared_array_view<T, Rank> view() const noexcept { return {data_, extents_}; }
    /// The elements along the last dimension: `m.row(i)` of a table.
    template <std::integral... Is>
        requires(sizeof...(Is) + 1 == Rank)
    [[nodiscard]] std::span<T> row(Is... indices) const noexcept {
        return view().row(indices...);
    }
#ifdef __cpp_lib_mdspan
    [[nodiscard]] std::mdspan<T, std::dextents<std::size_t, Rank>> mdspan() const noexcept { return {data_, extents_}; }
#endif

    /// Element `i` in row-major order.
    [[nodiscard]] T& operator[](std::size_t i) const noexcept { return data_[i]; }
    /// @throws std::out_of_range
    template <std::integral... Is>
        requires(sizeof...(Is) == Rank)
    [[nodiscard]] T& at(Is... indices) const {
        std::size_t d = 0;
        ((std::cmp_less(indices, 0) || std::cmp_greater_equal(indices, extents_[d++]) ? detail::throw_out_of_range()
                                                                                      : void()),
         ...);
        return view()(indices...);
    }
    /// The element at `(i, j, …)`, one index for each dimension.
    template <std::integral... Is>
        requires(sizeof...(Is) == Rank)
    [[nodiscard]] T& operator()(Is... indices) const noexcept {
        return view()(indices...);
    }

    /// Lock-free access to element `i`: `a.atomic(i).fetch_add(1)`.
    [[nodiscard]] std::atomic_ref<T> atomic(std::size_t i) const noexcept
        requires detail::lock_free_element<T>
    {
        return std::atomic_ref<T>(data_[i]);
    }

    /// Completes with a guard that holds the array's lock until it goes out of scope. Guards exclude each other;
    /// element access without the lock is not prevented. Waiters are served in the order of arrival within a process.
    /// Resumes at home.
    /// @throws cancelled, executor_stopped
    [[nodiscard]] auto lock() const {
        auto then = [block = block_, elements = span()](detail::held_lock lock) mutable {
            return guard(std::move(block), std::move(lock), elements);
        };
        return detail::lock_operation<decltype(then)>(block_->lock(), std::move(then));
    }

    void encode_handle(detail::encoder& out) const {
        block_->encode(out);
        detail::encode_extents(out, extents_);
    }
    static shared_array decode_handle(detail::decoder& in) {
        auto block = detail::domain_of(in).take_block(in);
        std::array<std::size_t, Rank> extents;
        detail::decode_extents(in, extents);
        return shared_array(std::move(block), extents);
    }

    /// Whether both handles refer to the same array.
    friend bool operator==(const shared_array& a, const shared_array& b) noexcept { return a.block_ == b.block_; }

private:
    static constexpr std::size_t alignment = std::max(alignof(T), detail::cell_alignment);

    struct elements_of_t {};
    static constexpr elements_of_t elements_of{};

    shared_array(const executor& ex, elements_of_t, std::initializer_list<T> elements) { fill(ex, elements); }
    shared_array(std::shared_ptr<detail::shared_block> block, const std::array<std::size_t, Rank>& extents)
        : block_(detail::checked_block(std::move(block), detail::byte_size(extents, sizeof(T)), alignof(T))),
          data_(std::launder(reinterpret_cast<T*>(block_->data()))), extents_(extents),
          size_(detail::element_count(extents)) {}

    void allocate(const executor& ex, const std::array<std::size_t, Rank>& extents) {
        detail::require_shareable<T>();
        block_ = detail::domain_of(ex).make_block(detail::byte_size(extents, sizeof(T)), alignment);
        extents_ = extents;
        size_ = detail::element_count(extents);
        data_ = static_cast<T*>(block_->data());  // zeroed; a T needs no construction
    }

    template <class U>
    static constexpr U&& fitting(U&& element) {
        return detail::fitting_value<T, U>(std::forward<U>(element), "the element type of the shared array");
    }

    template <class Range>
    void fill(const executor& ex, Range&& range) {
        if constexpr (std::ranges::forward_range<Range> || std::ranges::sized_range<Range>) {
            allocate(ex, {static_cast<std::size_t>(std::ranges::distance(range))});
            T* next = data_;
            for (auto&& element : range)
                *next++ = static_cast<T>(fitting(std::forward<decltype(element)>(element)));
        } else {
            std::vector<T> elements;
            for (auto&& element : range)
                elements.push_back(static_cast<T>(fitting(std::forward<decltype(element)>(element))));
            fill(ex, elements);
        }
    }

    std::shared_ptr<detail::shared_block> block_;
    T* data_ = nullptr;
    std::array<std::size_t, Rank> extents_{};
    std::size_t size_ = 0;
};

/// Refuses references and `void` by a sentence.
template <class T, std::size_t Rank>
    requires(!std::is_object_v<T>)
class shared_array<T, Rank> {
public:
    template <class... Args>
    explicit shared_array(const executor&, Args&&...) {
        static_assert(std::is_object_v<T>, "cadre::shared_array<T>: T must be a value, no reference, function or void");
    }
};

}  // namespace cadre
