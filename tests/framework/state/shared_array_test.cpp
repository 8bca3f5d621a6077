#include <cadre/shared_array.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <list>
#include <new>
#include <numeric>
#include <ranges>
#include <sstream>
#include <stdexcept>
#include <type_traits>
#include <vector>

#include <gtest/gtest.h>

#include <cadre/detail/codec/codec.hpp>
#include <cadre/errors.hpp>
#include <cadre/portable.hpp>

#include "state_test_support.hpp"

namespace {

using cadre::shared_array;
using cadre::sync_wait;
using cadre::task;
using state_test::local;
using state_test::on_threads;

static_assert(std::ranges::contiguous_range<shared_array<int>> && std::ranges::sized_range<shared_array<int>>);
static_assert(cadre::portable<shared_array<int>> && cadre::portable<shared_array<double, 2>>);

TEST(shared_array, from_a_braced_list) {
    shared_array<int> a{local(), {1, 2, 3, 4}};
    EXPECT_EQ(a.size(), 4u);
    EXPECT_TRUE(std::ranges::equal(a, std::vector{1, 2, 3, 4}));
    EXPECT_EQ((shared_array<int>{local(), {5}}.size()), 1u);
    shared_array<double> d{local(), {1, 2.5}};
    EXPECT_EQ(d[1], 2.5);
}

TEST(shared_array, zeroed_by_number) {
    for (std::size_t n : {std::size_t{1}, std::size_t{1000}}) {
        shared_array<double> a{local(), n};
        EXPECT_EQ(a.size(), n);
        EXPECT_TRUE(std::ranges::all_of(a, [](double x) { return x == 0; }));
    }
    EXPECT_EQ((shared_array<int>{local(), 5}.size()), 5u);
    EXPECT_EQ((shared_array<int>{local(), std::uint8_t{200}}.size()), 200u);
    shared_array<int> none{local(), 0};
    EXPECT_TRUE(none.empty());
    EXPECT_EQ(none.begin(), none.end());
}

TEST(shared_array, invalid_sizes_are_errors) {
    EXPECT_THROW((shared_array<int>{local(), -1}), std::invalid_argument);
    EXPECT_THROW((shared_array<int, 2>{local(), {2, -1}}), std::invalid_argument);
    EXPECT_THROW((shared_array<double>{local(), std::size_t{1} << 62}), std::bad_alloc);
    EXPECT_THROW((shared_array<char, 2>{local(), {std::size_t{1} << 40, std::size_t{1} << 40}}), std::bad_alloc);
}

TEST(shared_array, from_ranges) {
    const std::vector<int> numbers{3, 1, 2};
    EXPECT_TRUE(std::ranges::equal(shared_array<int>(local(), numbers), numbers));
    EXPECT_TRUE(std::ranges::equal(shared_array<long>(local(), std::list<int>{3, 1, 2}), numbers));
    EXPECT_TRUE(std::ranges::equal(shared_array<int>(local(), std::views::iota(0, 5)), std::views::iota(0, 5)));
    std::istringstream text("4 5 6");
    EXPECT_TRUE(std::ranges::equal(shared_array<int>(local(), std::views::istream<int>(text)), std::vector{4, 5, 6}));
}

TEST(shared_array, two_dimensions) {
    std::size_t rows = 2;
    shared_array<double, 2> m{local(), {rows, rows + 1}};
    EXPECT_EQ(m.size(), 6u);
    EXPECT_EQ(m.extent(0), 2u);
    EXPECT_EQ(m.extent(1), 3u);
    m(1, 2) = 7;
    EXPECT_EQ(m[5], 7);
    EXPECT_EQ(&m.at(1, 2), &m(1, 2));
    EXPECT_THROW((void)m.at(2, 0), std::out_of_range);
    EXPECT_THROW((void)m.at(0, 3), std::out_of_range);
    EXPECT_THROW((void)m.at(0, -1), std::out_of_range);
    int columns = 4;
    shared_array<int, 2> mixed{local(), {rows, columns}};
    EXPECT_EQ(mixed.size(), 8u);
    shared_array<int, 3> cube{local(), {2, 3, 4}};
    cube(1, 2, 3) = 1;
    EXPECT_EQ(cube[23], 1);
}

TEST(shared_array, copies_are_the_same_array) {
    const shared_array<int> a{local(), {1, 2}};
    const shared_array<int> copy = a;
    copy[0] = 9;
    EXPECT_EQ(a[0], 9);
    EXPECT_TRUE(a == copy);
    EXPECT_EQ(a.span().data(), copy.data());
    EXPECT_THROW((void)a.at(2), std::out_of_range);
}

TEST(shared_array, elements_are_independent_and_atomic_on_request) {
    constexpr int count = 20'000;
    shared_array<int> a{local(), 3};
    on_threads(2, [&](unsigned i) -> task<> {
        for (int n = 0; n < count; ++n) {
            ++a[i];
            a.atomic(2).fetch_add(1);
        }
        co_return;
    });
    EXPECT_EQ(a[0], count);
    EXPECT_EQ(a[1], count);
    EXPECT_EQ(a[2], 2 * count);
}

TEST(shared_array, lock_makes_several_elements_change_together) {
    constexpr int count = 5'000;
    shared_array<int> a{local(), {0, 0}};
    on_threads(3, [&](unsigned) -> task<> {
        for (int n = 0; n < count; ++n) {
            auto guard = co_await a.lock();
            EXPECT_FALSE(guard.owner_died());
            EXPECT_EQ(guard[0], guard[1]);
            ++guard[0];
            ++(*guard)[1];
        }
    });
    EXPECT_EQ(a[0], 3 * count);
}

TEST(shared_array, view_gives_the_same_elements) {
    const shared_array<int, 2> table{local(), {3, 4}};
    const auto view = table.view();
    static_assert(std::is_trivially_copyable_v<decltype(view)>);
    EXPECT_EQ(view.extent(0), 3U);
    EXPECT_EQ(view.extent(1), 4U);
    EXPECT_EQ(view.size(), 12U);
    view(2, 3) = 7;
    EXPECT_EQ(table(2, 3), 7);
    EXPECT_EQ(&view(1, 0), &table(1, 0));
    EXPECT_EQ(view.data(), table.data());
    const shared_array<int> row{local(), {1, 2, 3}};
    EXPECT_EQ(row.view()(2), 3);
}

TEST(shared_array, row_is_the_elements_along_the_last_dimension) {
    const shared_array<int, 2> table{local(), {3, 4}};
    std::iota(table.begin(), table.end(), 0);
    EXPECT_TRUE(std::ranges::equal(table.row(1), std::vector{4, 5, 6, 7}));
    table.row(2)[0] = 80;
    EXPECT_EQ(table(2, 0), 80);
    const shared_array<int, 3> cube{local(), {2, 3, 4}};
    std::iota(cube.begin(), cube.end(), 0);
    EXPECT_TRUE(std::ranges::equal(cube.view().row(1, 2), std::vector{20, 21, 22, 23}));
}

TEST(shared_array, needs_a_memory_domain) {
    EXPECT_THROW((shared_array<int>{state_test::without_domain(), 1}), cadre::not_portable);
}

TEST(shared_array, of_a_local_executor_cannot_leave_the_process) {
    shared_array<int> a{local(), 1};
    cadre::detail::byte_buffer bytes;
    cadre::detail::encoder out(bytes);
    EXPECT_THROW(cadre::detail::encode(out, a), cadre::not_portable);
}

}  // namespace
