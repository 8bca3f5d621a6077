// A worker that sends file descriptors of which its parent has not heard, or none where it announces some: it is
// killed, and nothing is left open.

#include "descriptors.hpp"
#include "forged_events.hpp"
#include "guard.hpp"
#include "support.hpp"

#include "process/os/syscalls.hpp"
#include "process/plane/nested_header.hpp"

#include <cadre/detail/call/call_trampoline.hpp>

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include <sys/socket.h>

namespace {

using namespace cadre::process_tests;
using namespace cadre::detail::process_plane;
using cadre::executor;
using cadre::process_executor;
using cadre::unique_fd;

// In the worker: its end of the descriptor_socket.
int find_socket() {
    for (int fd = 3; fd < 1024; ++fd) {
        int type = 0;
        socklen_t size = sizeof type;
        if (::getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_SEQPACKET) return fd;
    }
    return -1;
}

// A message of the descriptor_socket with `descriptors` descriptors that claims to be number `number` and to have
// `count`.
void send_forged(std::uint64_t number, std::uint64_t count, std::size_t descriptors) {
    const std::array<std::uint64_t, 2> header{number, count};
    const std::vector<unique_fd> all = open_many(static_cast<int>(descriptors));
    std::vector<int> numbers;
    for (const unique_fd& fd : all)
        numbers.push_back(fd.get());
    (void)cadre::detail::process_os::try_send_message(find_socket(), std::as_bytes(std::span(header)), numbers, false);
}

struct forgery {
    event_kind kind = event_kind::value;
    bool announced = true;
    bool sent = true;
    std::uint64_t number = 0;
    std::uint64_t count = 1;
    std::uint64_t descriptors = 1;
};

void forge_reply(const forgery& f) {
    call_memory::layout& m = *find_memory();
    if (f.sent) send_forged(f.number, f.count, f.descriptors);
    event e{};
    e.kind = f.kind;
    e.id = own_ticket(m);
    if (f.announced) e.flags = event::descriptors;
    forge(m, e);
    spin_for_ever();
}

int expects_none(forgery f) {
    forge_reply(f);
    return 0;
}
unique_fd expects_some(forgery f) {
    forge_reply(f);
    return {};
}

void expect_killed(auto function, forgery f, const char* why) {
    const hang_guard guard;
    const executor ex = process_executor{{.workers = 1}};
    EXPECT_EQ(cadre::sync_wait(cadre::on(ex, plus_one, 1)), 2);
    const std::size_t before = open_descriptors();
    const std::string what = run([](auto j) { return watch(std::move(j)); }, cadre::spawn(ex, function, f));
    EXPECT_NE(what.find(why), std::string::npos) << what;
    EXPECT_EQ(cadre::sync_wait(cadre::on(ex, plus_one, 1)), 2);
    EXPECT_LE(open_descriptors(), before + 2);
}

TEST(hostile_descriptors, that_nobody_asked_for_are_refused) {
    expect_killed(expects_none, {}, "sent file descriptors that nobody asked for and was killed");
    expect_killed(expects_some, {.kind = event_kind::exception}, "that nobody asked for and was killed");
    expect_killed(expects_some, {.kind = event_kind::begun}, "that nobody asked for and was killed");
}

TEST(hostile_descriptors, that_are_announced_and_not_sent_are_refused) {
    expect_killed(expects_some, {.sent = false}, "announced file descriptors that it has not sent and was killed");
    expect_killed(expects_some, {.number = 7}, "announced file descriptors that it has not sent and was killed");
    expect_killed(expects_some, {.count = 0}, "announced file descriptors that it has not sent and was killed");
    expect_killed(expects_some, {.count = 2}, "announced file descriptors that it has not sent and was killed");
    expect_killed(expects_some, {.count = 1, .descriptors = 20}, "that it has not sent and was killed");
    expect_killed(expects_some, {.count = ~std::uint64_t{0}, .descriptors = 253},
                  "that it has not sent and was killed");
}

TEST(hostile_descriptors, of_its_own_calls_are_asked_for_once_only) {
    expect_killed(expects_none, {.kind = event_kind::descriptors_wanted, .announced = false, .sent = false},
                  "asked for file descriptors of a call that has none for it and was killed");
}

// Messages that no event announces: nothing is received, and nothing else suffers.
int flood() {
    for (int i = 0; i < 1000; ++i)
        send_forged(static_cast<std::uint64_t>(i), 100, 100);
    return 1;
}

TEST(hostile_descriptors, that_are_not_announced_take_no_descriptor_of_the_parent) {
    const hang_guard guard;
    const executor ex = process_executor{{.workers = 1}};
    EXPECT_EQ(cadre::sync_wait(cadre::on(ex, plus_one, 1)), 2);
    const std::size_t before = open_descriptors();
    EXPECT_EQ(cadre::sync_wait(cadre::on(ex, flood)), 1);
    EXPECT_EQ(open_descriptors(), before);
    EXPECT_EQ(cadre::sync_wait(cadre::on(ex, plus_one, 1)), 2);
}

int forge_nested_calls(std::uint64_t count) {
    call_memory::layout& m = *find_memory();
    nested_header h{};
    h.entry =
        cadre::detail::trampoline_id<cadre::detail::single_call<cadre::detail::packaged_call_for<int (&)(int), int>>>();
    h.items = 1;
    const block b{(call_memory::parent_area + call_memory::area_size_for(1)) + (std::uint64_t{1} << 20), sizeof h};
    std::memcpy(reinterpret_cast<std::byte*>(&m) + b.offset, &h, sizeof h);
    event e{};
    e.kind = event_kind::nested_call;
    e.flags = event::external | event::descriptors;
    std::memcpy(e.body, &b, sizeof b);
    for (std::uint64_t i = 0; i < count; ++i) {
        const std::uint64_t at = m.control.events_consumed.load();
        send_forged(i, 120, 120);
        e.id = 1'000'000 + i;
        forge(m, e);
        while (m.control.events_consumed.load() == at)
            std::this_thread::yield();
    }
    return spin_for_ever();
}

TEST(hostile_descriptors, of_nested_calls_without_end_are_refused) {
    const hang_guard guard;
    const executor ex = process_executor{{.workers = 1}};
    const std::size_t before = open_descriptors();
    const std::string what = run(watch<int>, cadre::spawn(ex, forge_nested_calls, std::uint64_t{100}));
    EXPECT_NE(what.find("exceeded the limit of the file descriptors of nested calls and was killed"), std::string::npos)
        << what;
    EXPECT_EQ(cadre::sync_wait(cadre::on(ex, plus_one, 1)), 2);
    EXPECT_LE(open_descriptors(), before + 4);
}

}  // namespace
