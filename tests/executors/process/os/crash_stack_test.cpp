#include "worker_fixture.hpp"

#include "process/os/crash_modules.hpp"

#include <cadre/detail/base/sanitizers.hpp>

#include <algorithm>
#include <csignal>
#include <random>
#include <thread>

// Not in an anonymous namespace and not inlined: the test looks for these names.
namespace cadre_crash_test {

volatile int sink = 0;

[[gnu::noinline]] void write_to_null() {
    volatile int* volatile nowhere = reinterpret_cast<int*>(std::uintptr_t{16});
    *nowhere = 1;
    sink = sink + 1;
}

[[gnu::noinline]] void calls_write_to_null() {
    write_to_null();
    sink = sink + 1;
}

[[gnu::noinline]] void calls_abort() { std::abort(); }

#ifdef __clang__
[[clang::no_sanitize("function")]]  // that check would itself read at the address
#endif
[[gnu::noinline]] void jumps_to_nowhere() {
    void (*volatile nowhere)() = reinterpret_cast<void (*)()>(std::uintptr_t{64});
    nowhere();
    sink = sink + 1;
}

[[gnu::noinline]] int recurses_for_ever(int depth) {
    volatile char room[512];
    room[0] = static_cast<char>(depth);
    return depth < 0 ? 0 : recurses_for_ever(sink + 1) + room[0];
}

}  // namespace cadre_crash_test

namespace cadre::detail::process_os::testing {
namespace {

class crash_stack_test : public worker_test {
protected:
    crash_report crash(worker_main_fn main, int expected_signal) {
        worker_spec wish = spec(main);
        wish.fds = {page_.fd()};
        wish.crash_fd = 0;
        const worker_exit end = run(wish);
        EXPECT_TRUE(WIFSIGNALED(end.status));
        EXPECT_EQ(WTERMSIG(end.status), expected_signal);
        const crash_report report = page_.report();
        EXPECT_EQ(report.signal, expected_signal);
        return report;
    }

    shared_crash_page page_;
};
INSTANTIATE_TEST_SUITE_P(, crash_stack_test, ::testing::Values(start_method::forkserver, start_method::spawn),
                         method_name);

bool mentions(const std::string& text, std::string_view name) { return text.find(name) != std::string::npos; }

TEST_P(crash_stack_test, names_the_function_that_crashed_and_its_callers) {
    const crash_report report = crash(
        [](worker_boot&&) {
            cadre_crash_test::calls_write_to_null();
            return 0;
        },
        SIGSEGV);
    EXPECT_EQ(report.address, 16u);
    const std::string stack = resolve_crash_stack(report);
    EXPECT_TRUE(stack.starts_with(" 0# cadre_crash_test::write_to_null")) << stack;
    EXPECT_TRUE(mentions(stack, "cadre_crash_test::calls_write_to_null")) << stack;
    EXPECT_EQ(stack, resolve_crash_stack(report));
}

TEST_P(crash_stack_test, of_an_abort) {
    const crash_report report = crash(
        [](worker_boot&&) -> int {
            cadre_crash_test::calls_abort();
            return 0;
        },
        SIGABRT);
    EXPECT_TRUE(mentions(resolve_crash_stack(report), "cadre_crash_test::calls_abort"));
}

TEST_P(crash_stack_test, of_a_jump_to_an_address_without_code) {
    const crash_report report = crash(
        [](worker_boot&&) {
            cadre_crash_test::jumps_to_nowhere();
            return 0;
        },
        SIGSEGV);
    EXPECT_EQ(report.program_counter, 64u);
    const std::string stack = resolve_crash_stack(report);
    EXPECT_TRUE(stack.starts_with(" 0# 0x0000000000000040\n")) << stack;
    EXPECT_TRUE(mentions(stack, "cadre_crash_test::jumps_to_nowhere")) << stack;
}

TEST_P(crash_stack_test, of_a_stack_overflow) {
#ifdef CADRE_TSAN
    GTEST_SKIP() << "the sanitizer's own functions may meet the end of the stack first";
#endif
    const crash_report report = crash([](worker_boot&&) { return cadre_crash_test::recurses_for_ever(0); }, SIGSEGV);
    EXPECT_TRUE(mentions(resolve_crash_stack(report), "cadre_crash_test::recurses_for_ever"));
    EXPECT_LE(report.frames.size(), max_crash_frames);
}

TEST_P(crash_stack_test, of_a_stack_overflow_on_another_thread) {
#ifdef CADRE_TSAN
    GTEST_SKIP() << "the sanitizer's own functions may meet the end of the stack first";
#endif
    const crash_report report = crash(
        [](worker_boot&&) {
            std::jthread([] {
                const crash_handler_stack stack;
                cadre_crash_test::sink = cadre_crash_test::recurses_for_ever(0);
            }).join();
            return 0;
        },
        SIGSEGV);
    EXPECT_TRUE(mentions(resolve_crash_stack(report), "cadre_crash_test::recurses_for_ever"));
}

TEST_P(crash_stack_test, a_second_thread_that_crashes_meanwhile_does_not_spoil_it) {
    const crash_report report = crash(
        [](worker_boot&&) {
            std::thread([] { cadre_crash_test::calls_write_to_null(); }).detach();
            std::thread([] { cadre_crash_test::calls_write_to_null(); }).detach();
            sleep_for_ever();
            return 0;
        },
        SIGSEGV);
    EXPECT_TRUE(mentions(resolve_crash_stack(report), "cadre_crash_test::write_to_null"));
}

TEST_P(crash_stack_test, nothing_is_left_by_a_worker_that_ends_well) {
    worker_spec wish = spec([](worker_boot&&) { return 0; });
    wish.fds = {page_.fd()};
    wish.crash_fd = 0;
    run(wish);
    EXPECT_EQ(page_.report().signal, 0);
    EXPECT_EQ(resolve_crash_stack(page_.report()), "");
}

TEST(process_os_crash_page, whatever_a_worker_wrote_is_read_without_harm) {
    std::mt19937_64 random{1};
    crash_page page;
    for (int round = 0; round < 300; ++round) {
        auto* bytes = reinterpret_cast<unsigned char*>(&page);
        for (std::size_t i = 0; i < sizeof page; ++i)
            bytes[i] = static_cast<unsigned char>(random());
        page.state = static_cast<std::uint32_t>(random() % 4);
        page.signal = static_cast<std::int32_t>(random() % 80) - 5;
        page.module_count = static_cast<std::uint32_t>(random() % 3 == 0 ? random() : random() % 60);
        const crash_report report = read_crash_page(page);
        EXPECT_LE(report.frames.size(), max_crash_frames);
        EXPECT_LE(report.modules.size(), max_crash_modules);
        EXPECT_LT(resolve_crash_stack(report).size(), std::size_t{1} << 20);
    }
}

TEST(process_os_crash_page, random_addresses_within_real_modules_are_resolved_without_harm) {
    crash_page page{};
    const std::vector<module_record> modules = loaded_modules(max_crash_modules);
    std::ranges::copy(modules, page.modules.begin());
    page.module_count = static_cast<std::uint32_t>(modules.size());
    std::mt19937_64 random{2};
    page.state = 2;
    page.signal = SIGSEGV;
    for (std::uint64_t& frame : page.frames) {
        const module_record& module = page.modules[random() % page.module_count];
        frame = module.begin + random() % (module.end - module.begin);
    }
    const crash_report report = read_crash_page(page);
    EXPECT_EQ(report.frames.size(), max_crash_frames);
    EXPECT_FALSE(resolve_crash_stack(report).empty());
}

}  // namespace
}  // namespace cadre::detail::process_os::testing
