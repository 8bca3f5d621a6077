// Large arguments and results: they travel in pieces, in memory that is used again.

#include "support.hpp"

#include <gtest/gtest.h>

#include <cadre/detail/base/sanitizers.hpp>
#include <cadre/errors.hpp>
#include <cadre/shared_array.hpp>
#include <cadre/shared_value.hpp>
#include <cadre/this_task.hpp>
#include <cadre/this_worker.hpp>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <numeric>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <sys/stat.h>

namespace {

using namespace cadre::process_tests;
using cadre::executor;
using cadre::process_executor;
using cadre::task;
using data = std::vector<std::uint64_t>;

data counted(std::size_t n, std::uint64_t from) {
    data d(n);
    std::iota(d.begin(), d.end(), from);
    return d;
}

struct mixed {
    int before;
    data first;
    std::string text;
    std::vector<char> bytes;
    bool operator==(const mixed&) const = default;
};

mixed example(std::size_t n) { return {7, counted(n, 3), std::string(n, 'x'), std::vector<char>(n + 1, 'y')}; }
mixed passed(mixed m) { return m; }
task<mixed> passed_later(mixed m) {
    co_await cadre::sleep_for(1ms);
    co_return m;
}

TEST(process_large_data, values_with_several_long_runs_survive_both_ways) {
    const executor ex = process_executor{{.workers = 1}};
    for (const std::size_t n : {0u, 100u, 9'000u, 70'000u, 1'000'000u}) {
        const mixed m = example(n);
        ASSERT_EQ(cadre::sync_wait(cadre::on(ex, passed, m)), m) << n;
        ASSERT_EQ(cadre::sync_wait(cadre::on(ex.with({.name = "odd"}), passed_later, m)), m) << n;
        ASSERT_EQ(run(wait_for<mixed>, cadre::spawn(ex, passed, m)), m) << n;
    }
}

TEST(process_large_data, sizes_may_change_from_call_to_call) {
    const executor ex = process_executor{{.workers = 2}};
    for (const std::size_t mebibytes : {70u, 3u, 200u, 1u, 70u, 70u}) {
        const data sent = counted(mebibytes * (std::size_t{1} << 20) / sizeof(std::uint64_t), mebibytes);
        const auto same = [](const data& d) { return std::pair(d.size(), d.back()); };
        ASSERT_EQ(cadre::sync_wait(cadre::on(ex, same, sent)), std::pair(sent.size(), sent.back()));
        ASSERT_EQ(cadre::sync_wait(cadre::on(ex, counted, sent.size(), sent.front())), sent);
    }
}

task<std::size_t> size_by_nested_call(data d) {
    const executor ex = co_await cadre::this_task::executor();
    mixed sent{1, std::move(d), {}, {}};  // not in the awaiting expression, where g++ 12 destroys an aggregate twice
    const mixed back = co_await cadre::on(ex, passed, std::move(sent));
    co_return back.first.size();
}

TEST(process_large_data, nested_calls_carry_it_too) {
    const executor ex = process_executor{{.workers = 2}};
    EXPECT_EQ(cadre::sync_wait(cadre::on(ex, size_by_nested_call, counted(2'000'000, 0))), 2'000'000u);
}

std::size_t die_at_first(data d, cadre::shared_value<int> attempts) {
    if (attempts.fetch_add(1) == 0) die_by_signal(SIGKILL);
    return d.size();
}

// The arguments lie in the caller until the call has ended, so that they can be sent again.
TEST(process_large_data, a_repeated_call_gets_its_arguments_again) {
    const executor ex = process_executor{{.workers = 1}};
    cadre::shared_value<int> attempts{ex, 0};
    EXPECT_EQ(cadre::sync_wait(cadre::on(ex.with({.retries = 1}), die_at_first, counted(1'000'000, 0), attempts)),
              1'000'000u);
    EXPECT_EQ(attempts.load(), 2);
}

/// Elements that are not initialised: a vector of them takes address space, not memory.
template <class T>
struct untouched_allocator {
    using value_type = T;
    untouched_allocator() = default;
    template <class U>
    explicit(false) untouched_allocator(const untouched_allocator<U>&) noexcept {}
    [[nodiscard]] T* allocate(std::size_t n) { return std::allocator<T>().allocate(n); }
    void deallocate(T* p, std::size_t n) noexcept { std::allocator<T>().deallocate(p, n); }
    template <class U, class... Args>
    void construct(U* p, Args&&... args) {
        if constexpr (sizeof...(Args) != 0) std::construct_at(p, std::forward<Args>(args)...);
    }
    bool operator==(const untouched_allocator&) const = default;
};
using huge = std::vector<char, untouched_allocator<char>>;

std::size_t size_of(huge h) { return h.size(); }
huge make_huge(std::size_t n) {
    huge h;
    h.resize(n);
    return h;
}

TEST(process_large_data, more_than_a_message_holds_is_refused_by_its_size) {
#ifdef CADRE_TSAN
    GTEST_SKIP() << "the shadow of so much memory takes minutes";
#endif
    constexpr std::size_t five = std::size_t{5} << 30;
    const executor ex = process_executor{{.workers = 1}};
    const std::string argument =
        what_of<cadre::not_portable>([&] { (void)cadre::sync_wait(cadre::on(ex, size_of, make_huge(five))); });
    EXPECT_NE(argument.find("the arguments of a call: 53687"), std::string::npos) << argument;
    const std::string result =
        what_of<cadre::not_portable>([&] { (void)cadre::sync_wait(cadre::on(ex, make_huge, five)); });
    EXPECT_NE(result.find("the result of a call: 53687"), std::string::npos) << result;
    EXPECT_EQ(cadre::sync_wait(cadre::on(ex, plus_one, 1)), 2);
}

cadre::shared_array<std::uint64_t> make_array(executor ex, std::size_t n) {
    cadre::shared_array<std::uint64_t> a{ex, n};
    std::iota(a.begin(), a.end(), std::uint64_t{1});
    return a;
}

int end_worker() { std::_Exit(3); }

// The unit table of its arena has holes: of a long run only the first entry is written.
TEST(process_large_data, arrays_of_a_dead_worker_keep_their_contents) {
    const executor ex = process_executor{{.workers = 1}};
    for (const auto& sizes : {std::vector<std::size_t>{200}, {63, 4, 2, 130}, {1, 70, 1}}) {  // MiB
        std::vector<cadre::shared_array<std::uint64_t>> arrays;
        for (const std::size_t mebibytes : sizes)
            arrays.push_back(cadre::sync_wait(cadre::on(ex, make_array, ex, mebibytes << 17)));
        EXPECT_THROW((void)cadre::sync_wait(cadre::on(ex, end_worker)), cadre::worker_crashed);
        (void)cadre::sync_wait(cadre::on(ex, cadre::this_worker::pid));  // the dead one has been recovered
        for (std::size_t i = 0; i != arrays.size(); ++i) {
            std::uint64_t wrong = 0;
            for (std::size_t k = 0; k != arrays[i].size(); ++k)
                wrong += arrays[i][k] != k + 1;
            EXPECT_EQ(wrong, 0u) << "array " << i << " of " << sizes[i] << " MiB";
        }
    }
}

int end_with_array(executor ex, std::size_t n) {
    const auto a = make_array(ex, n);
    return a[n - 1] == n ? end_worker() : 0;
}

TEST(process_large_data, memory_of_a_dead_worker_is_returned) {
    const executor ex = process_executor{{.workers = 1}};
    const auto shared_kib = [] {  // of all memory files of this process
        long blocks = 0;
        for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
            std::error_code gone;
            struct stat s{};
            if (std::filesystem::read_symlink(entry.path(), gone).string().starts_with("/memfd:") &&
                ::stat(entry.path().c_str(), &s) == 0)
                blocks += s.st_blocks;
        }
        return blocks / 2;
    };
    const long before = shared_kib();
    EXPECT_THROW((void)cadre::sync_wait(cadre::on(ex, end_with_array, ex, std::size_t{200} << 17)),
                 cadre::worker_crashed);
    (void)cadre::sync_wait(cadre::on(ex, cadre::this_worker::pid));
    EXPECT_LT(shared_kib() - before, 100L << 10);
}

}  // namespace
