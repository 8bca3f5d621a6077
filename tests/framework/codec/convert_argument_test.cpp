// An integer that does not fit its parameter is an error at the call, which names parameter and value; it is never
// truncated.
#include <cadre/detail/codec/convert_argument.hpp>

#include <cstdint>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <cadre/bind_portable.hpp>
#include <cadre/call.hpp>
#include <cadre/executors/serial.hpp>
#include <cadre/job.hpp>
#include <cadre/map.hpp>
#include <cadre/on.hpp>
#include <cadre/run_blocking.hpp>
#include <cadre/sync_wait.hpp>

namespace {

using cadre::detail::may_not_fit;

static_assert(!may_not_fit<std::int64_t, int> && !may_not_fit<int, short> && !may_not_fit<std::uint64_t, unsigned>);
static_assert(!may_not_fit<std::int64_t, std::uint32_t> && !may_not_fit<bool, int> && !may_not_fit<double, int>);
static_assert(may_not_fit<int, long> && may_not_fit<unsigned, int> && may_not_fit<int, unsigned> &&
              may_not_fit<char, int>);

int same(int x) { return x; }
unsigned second(std::string, unsigned x) { return x; }

constexpr long long large = 5'000'000'000;

template <class Call>
void expect_range_error(Call call, const std::string& text) {
    try {
        call();
        ADD_FAILURE() << "no error";
    } catch (const std::range_error& e) {
        EXPECT_EQ(std::string(e.what()), text);
    }
}

TEST(arguments_that_do_not_fit, are_an_error_at_the_call) {
    const cadre::serial_executor loop;
    const cadre::executor ex = loop;
    const std::string first =
        "argument 1: 5000000000 does not fit the type of parameter 1, which is from -2147483648 to 2147483647";
    expect_range_error([&] { (void)cadre::on(ex, same, large); }, first);
    expect_range_error([&] { (void)cadre::on(loop, same, large); }, first);
    expect_range_error([&] { (void)cadre::spawn(ex, same, large); }, first);
    expect_range_error([&] { (void)cadre::spawn(loop, same, large); }, first);
    expect_range_error([&] { (void)cadre::call(same, large); }, first);
    expect_range_error([&] { (void)cadre::run_blocking(same, large); }, first);
    expect_range_error([&] { (void)cadre::bind_portable(same, large); }, first);
    expect_range_error([&] { (void)cadre::map(ex, same, {1LL, large}); }, first);
    expect_range_error([&] { (void)cadre::on(ex, second, "text", -1); },
                       "argument 2: -1 does not fit the type of parameter 2, which is from 0 to 4294967295");
}

TEST(arguments_that_do_not_fit, of_a_map_fail_their_item) {
    const cadre::serial_executor loop;
    EXPECT_THROW(cadre::sync_wait(cadre::map(loop, same, std::vector<long long>{1, large})), std::range_error);
}

TEST(arguments_that_fit, are_converted) {
    const cadre::serial_executor loop;
    EXPECT_EQ(cadre::sync_wait(cadre::on(loop, same, 7u)), 7);
    EXPECT_EQ(cadre::sync_wait(cadre::on(loop, same, std::int64_t{std::numeric_limits<int>::min()})),
              std::numeric_limits<int>::min());
    EXPECT_EQ(cadre::sync_wait(cadre::on(loop, second, "text", 4'294'967'295LL)), 4'294'967'295u);
    EXPECT_EQ(cadre::sync_wait(cadre::map(loop, same, {1, 2, 3})), (std::vector<int>{1, 2, 3}));
}

}  // namespace
