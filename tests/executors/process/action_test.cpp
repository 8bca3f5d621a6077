// Initializers and finalizers with bound arguments, of processes and threads, and values of workers made from
// arguments.

#include "support.hpp"

#include <cadre/bind_portable.hpp>
#include <cadre/errors.hpp>
#include <cadre/executors/thread.hpp>
#include <cadre/this_worker.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <string>
#include <vector>

#include <sys/mman.h>

namespace {

using namespace cadre::process_tests;
using cadre::bind_portable;
using cadre::executor;
using cadre::process_executor;
using cadre::thread_executor;

std::string loaded;
std::vector<int> numbers;

void load(const std::string& path, const std::vector<int>& all) {
    loaded = path;
    numbers = all;
}

std::string what_is_loaded() { return loaded + ":" + std::to_string(numbers.size()); }

struct load_twice {
    std::string path;
    int operator()() const {
        loaded += path + path;
        return 1;
    }
};

TEST(worker_actions, an_initializer_gets_its_bound_arguments) {
    const std::string path(5000, 'p');  // longer than a slot
    const std::vector<int> all(1000, 7);
    const executor ex = process_executor{{.workers = 1, .initializer = bind_portable(load, path, all)}};
    EXPECT_EQ(cadre::sync_wait(cadre::on(ex, what_is_loaded)), path + ":1000");
    // A successor gets them, too.
    EXPECT_THROW(cadre::sync_wait(cadre::on(ex, die_by_signal, SIGKILL)), cadre::worker_crashed);
    EXPECT_EQ(cadre::sync_wait(cadre::on(ex, what_is_loaded)), path + ":1000");
}

TEST(worker_actions, an_aggregate_with_a_call_operator_will_do) {
    const executor ex = process_executor{{.workers = 1, .initializer = load_twice{"ab"}}};
    EXPECT_EQ(cadre::sync_wait(cadre::on(ex, what_is_loaded)), "abab:0");
}

TEST(worker_actions, none_is_none) {
    EXPECT_FALSE(cadre::worker_action());
    EXPECT_FALSE(cadre::worker_action(nullptr));
    EXPECT_FALSE(cadre::worker_action(static_cast<void (*)()>(nullptr)));
    EXPECT_TRUE(cadre::worker_action([] {}));
}

TEST(worker_actions, an_equal_one_is_stored_once) {
    const cadre::worker_action a(load_twice{"x"});
    const cadre::worker_action b(load_twice{"x"});
    const cadre::worker_action c(load_twice{"y"});
    EXPECT_EQ(a.stored(), b.stored());
    EXPECT_NE(a.stored(), c.stored());
}

void throw_it(const std::string& text) { throw std::domain_error(text); }

TEST(worker_actions, the_error_of_an_initializer_ends_a_process_executor) {
    const executor ex =
        process_executor{{.workers = 1, .initializer = bind_portable(throw_it, std::string("no model"))}};
    EXPECT_EQ(what_of<std::domain_error>([&] { cadre::sync_wait(cadre::on(ex, plus_one, 1)); }), "no model");
}

std::atomic<int> started{0};
std::atomic<int> finished{0};
std::atomic<int> locals{0};

struct counted {
    explicit counted(int n) : value(n) { ++locals; }
    ~counted() { --locals; }
    int value;
};

void begin_thread(int n) {
    started += n;
    (void)cadre::this_worker::local<counted>(n);
}
void end_thread(int n) { finished += locals.load() > 0 ? n : 1000; }

TEST(worker_actions, threads_run_them) {
    started = finished = 0;
    {
        const executor ex = thread_executor{
            {.workers = 3, .initializer = bind_portable(begin_thread, 2), .finalizer = bind_portable(end_thread, 5)}};
        EXPECT_EQ(started, 6);
        EXPECT_EQ(locals, 3);
        EXPECT_EQ(finished, 0);
        auto value = [] { return cadre::this_worker::local<counted>(99).value; };
        EXPECT_EQ(cadre::sync_wait(cadre::on(ex, value)), 2);
    }
    EXPECT_EQ(finished, 15);
    EXPECT_EQ(locals, 0);
}

TEST(worker_actions, an_initializer_of_a_thread_that_throws_is_thrown_by_the_constructor) {
    EXPECT_EQ(what_of<std::domain_error>([] {
                  thread_executor{{.workers = 3, .initializer = bind_portable(throw_it, std::string("no disk"))}};
              }),
              "no disk");
}

std::string first_and_later() {
    const std::string first = cadre::this_worker::local<std::string>(3, 'x');
    return first + cadre::this_worker::local<std::string>(5, 'y');
}

TEST(worker_actions, a_local_value_is_made_from_the_arguments_of_its_first_use) {
    const executor ex = process_executor{{.workers = 1}};
    EXPECT_EQ(cadre::sync_wait(cadre::on(ex, first_and_later)), "xxxxxx");
    EXPECT_EQ(cadre::sync_wait(cadre::on(ex, first_and_later)), "xxxxxx");
}

}  // namespace
