// What failures.sh starts as program and agents: it says when its call has begun, on which host, and when and how it
// has ended.

#include "executors/state_on_hosts.hpp"

#include <cadre/cadre.hpp>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <exception>
#include <ranges>
#include <string>
#include <thread>

#include <fcntl.h>
#include <unistd.h>

namespace {

using namespace std::chrono_literals;

int spin_for_ever() {
    for (;;)
        asm volatile("");  // the compiler may assume that an empty loop ends
    return 0;
}

int work_for_a_second() {
    std::this_thread::sleep_for(1s);  // a plain function, which no stop request ends
    return 7;
}

int crash_after_a_while() {
    std::this_thread::sleep_for(200ms);
    return std::raise(SIGSEGV);
}

// One byte for each run.
int leave_a_mark(const std::string& file, int item) {
    std::this_thread::sleep_for(2ms);
    const int fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    const bool written = ::write(fd, "x", 1) == 1;
    ::close(fd);
    return written ? item : -1;
}

/// One line: the time in nanoseconds, as `date +%s%N`, and what has happened.
void say(const std::string& what) {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    std::printf("%lld %s\n", static_cast<long long>(std::chrono::nanoseconds(now).count()), what.c_str());
    std::fflush(stdout);
}

std::string kind_of(const std::exception_ptr& error) {
    try {
        std::rethrow_exception(error);
    } catch (const cadre::worker_crashed& e) {
        return std::string("worker_crashed ") + e.what();
    } catch (const cadre::worker_lost& e) {
        return std::string("worker_lost ") + e.what();
    } catch (const std::exception& e) {
        return e.what();
    }
}

// A task on one host takes everything. After it was lost, the program and a task of another host find it free.
cadre::task<int> lose_state(cadre::executor ex) {
    const auto all = state_on_hosts::make_objects(ex, 2);
    const cadre::channel<int> taken{ex, 1};
    auto job = cadre::spawn(ex, state_on_hosts::take_all, all, taken);
    static_cast<void>(co_await taken.receive());
    while (job.worker_host().empty())
        co_await cadre::sleep_for(2ms);
    say("running " + job.worker_host());
    const auto found = co_await state_on_hosts::find_all_again(all);
    const auto notified = co_await state_on_hosts::notify_the_other(all);
    say(found.empty() && notified.empty() ? "recovered" : "not recovered: " + found + notified);
    const auto ended = co_await cadre::as_outcome(std::move(job));
    say(ended.has_value() ? "returned" : kind_of(ended.error()));
    const int wrong = co_await state_on_hosts::use_on_all_hosts(ex, 1);
    say("afterwards " + std::to_string(wrong));
    co_return wrong;
}

cadre::task<int> app(cadre::executor ex, std::string what, std::string file) {
    if (what == "state") {
        say("running");
        const int wrong = co_await state_on_hosts::use_on_all_hosts(ex, 2);
        say("used " + std::to_string(wrong));
        co_return wrong;
    }
    if (what == "lose") co_return co_await lose_state(ex);
    if (what == "marks") {
        say("running");
        const auto mark = cadre::bind_portable(leave_a_mark, file);
        const auto all = co_await cadre::map(ex, mark, std::views::iota(0, 2'000));
        say("returned " + std::to_string(all.size()));
        co_return 0;
    }
    auto job = cadre::spawn(ex, what == "work"    ? work_for_a_second
                                : what == "crash" ? crash_after_a_while
                                                  : spin_for_ever);
    while (job.worker_host().empty())
        co_await cadre::sleep_for(2ms);
    say("running " + job.worker_host());
    const cadre::outcome<int> ended = co_await cadre::as_outcome(std::move(job));
    say(ended.has_value() ? "returned " + std::to_string(ended.value()) : kind_of(ended.error()));
    const auto after = co_await cadre::on(ex, work_for_a_second);
    say("afterwards " + std::to_string(after));
    co_return 0;
}

}  // namespace

int main(int argc, char** argv) {
    cadre::runtime rt(argc, argv);
    return rt.run(app(rt.executor(), argc > 1 ? argv[1] : "", argc > 2 ? argv[2] : ""));
}
