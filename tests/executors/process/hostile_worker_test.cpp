// A worker that writes into the memory it shares with its parent whatever it likes: the parent must survive, and every
// call must end.

#include "forged_events.hpp"
#include "support.hpp"

#include <cadre/detail/base/sanitizers.hpp>

#include <gtest/gtest.h>

#include "process/plane/nested_header.hpp"

#include <cadre/detail/call/call_trampoline.hpp>
#include <cadre/errors.hpp>
#include <cadre/map.hpp>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <ranges>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace cadre::process_tests;
using namespace cadre::detail::process_plane;
using cadre::executor;
using cadre::process_executor;
using cadre::task;

// Where the worker's half of a call memory begins, if nothing limits the address space.
const std::uint64_t worker_area = call_memory::parent_area + call_memory::area_size_for(1);

int forge_unknown_ticket(std::uint64_t ticket) {
    event e{};
    e.kind = event_kind::value;
    e.id = ticket;
    forge(*find_memory(), e);
    return spin_for_ever();
}

int forge_kind(int kind) {
    event e{};
    e.kind = static_cast<event_kind>(kind);
    forge(*find_memory(), e);
    return spin_for_ever();
}

int forge_body(std::uint64_t offset, std::uint64_t size) {
    event e{};
    e.kind = event_kind::start_failed;
    e.flags = event::external;
    const block b{offset, size};
    std::memcpy(e.body, &b, sizeof b);
    forge(*find_memory(), e);
    return spin_for_ever();
}

// An item of a chunk that says that it has begun at another time.
int forge_begin(std::int64_t when) {
    call_memory::layout& m = *find_memory();
    for (item_watch& w : m.control.watches)
        w.begun.store(when);
    return spin_for_ever();
}

int scribble(unsigned seed) {
    call_memory::layout& m = *find_memory();
    std::minstd_rand random(seed);
    for (slot& s : m.events)
        for (std::byte& b : s.payload)
            b = static_cast<std::byte>(random());
    m.control.requests_consumed = random();
    m.control.replies_consumed = random();
    m.control.commands_consumed = random();
    m.control.running = random();
    m.control.events_blocked = 1;
    for (std::uint64_t i = 0; i < event_slots; ++i) {
        const std::uint64_t at = m.control.events_consumed.load() + i;
        m.events[at % event_slots].word = slot_word(at, slot_state::queued);
    }
    return spin_for_ever();
}

// A forged message is not announced, so the parent does not poll before the time limit has passed.
executor looked_after(int workers) {
    return process_executor{{.workers = workers, .task_timeout = 50ms, .kill_grace = 60s}};
}

void expect_violation(const executor& ex, auto&& call) {
    const std::string what = what_of<cadre::worker_crashed>([&] { cadre::sync_wait(call()); });
    EXPECT_NE(what.find("and was killed"), std::string::npos) << what;
    EXPECT_EQ(cadre::sync_wait(cadre::on(ex, plus_one, 1)), 2);
}

TEST(hostile_worker, answers_for_calls_it_does_not_have_are_refused) {
    const executor ex = looked_after(1);
    for (const std::uint64_t ticket : {std::uint64_t{12345}, ~std::uint64_t{0}, std::uint64_t{7} << 32})
        expect_violation(ex, [&] { return cadre::on(ex, forge_unknown_ticket, ticket); });
}

TEST(hostile_worker, a_forged_begin_of_an_item_does_not_stop_its_limit) {
    const executor ex = process_executor{{.workers = 1, .task_timeout = 100ms, .kill_grace = 50ms}};
    for (const std::int64_t when : {INT64_MIN, INT64_MIN + 1'000'000'000'000, std::int64_t{0}, INT64_MAX}) {
        const std::vector<std::int64_t> items(2, when);
        EXPECT_THROW(cadre::sync_wait(cadre::map(ex, forge_begin, items, {.chunk = 2})), cadre::task_killed) << when;
    }
    EXPECT_EQ(cadre::sync_wait(cadre::on(ex, plus_one, 1)), 2);
}

// Changes the word by which its items are stopped all the time, without ever ending one.
int forge_watch(int i) {
    call_memory::layout& m = *find_memory();
    for (std::uint64_t word = m.control.watches[0].word.load();; word ^= 1)
        m.control.watches[0].word.store(word);
    return i;
}

TEST(hostile_worker, a_forged_watch_of_an_item_does_not_stop_its_limit) {
    const executor ex = process_executor{{.workers = 1, .task_timeout = 50ms, .kill_grace = 50ms}};
    const std::vector<int> items(2, 1);
    for (int i = 0; i < 5; ++i)
        EXPECT_THROW(cadre::sync_wait(cadre::map(ex, forge_watch, items, {.chunk = 2})), cadre::task_killed);
    EXPECT_EQ(cadre::sync_wait(cadre::on(ex, plus_one, 1)), 2);
}

TEST(hostile_worker, messages_of_unknown_kind_are_refused) {
    const executor ex = looked_after(1);
    for (const int kind : {0, 200, 255})
        expect_violation(ex, [&] { return cadre::on(ex, forge_kind, kind); });
}

TEST(hostile_worker, bodies_outside_its_memory_are_refused) {
    const executor ex = looked_after(1);
    const std::vector<std::pair<std::uint64_t, std::uint64_t>> bad{
        {0, 64},
        {worker_area, ~std::uint64_t{0}},
        {~std::uint64_t{0} - 10, 100},
        {call_memory::parent_area, 100},
        {(worker_area + call_memory::area_size_for(1)) - 10, 100}};
    for (const auto& [offset, size] : bad)
        expect_violation(ex, [&] { return cadre::on(ex, forge_body, offset, size); });
}

// Nested calls without end, each with a body of `size` bytes; they wait in the parent, for there is no other worker.
int forge_nested_calls(std::uint64_t count, std::uint64_t size) {
    call_memory::layout& m = *find_memory();
    const block b{worker_area + (std::uint64_t{1} << 20), size};
    nested_header h{};
    h.entry =
        cadre::detail::trampoline_id<cadre::detail::single_call<cadre::detail::packaged_call_for<int (&)(int), int>>>();
    h.items = 1;
    h.retries = -1;
    std::memset(reinterpret_cast<std::byte*>(&m) + b.offset, 1, size);
    std::memcpy(reinterpret_cast<std::byte*>(&m) + b.offset, &h, sizeof h);
    event e{};
    e.kind = event_kind::nested_call;
    e.flags = event::external;
    std::memcpy(e.body, &b, sizeof b);
    for (std::uint64_t at = m.control.events_consumed.load(), i = 0; i < count; ++i, ++at) {
        while (at - m.control.events_consumed.load() >= event_slots)
            std::this_thread::yield();
        e.id = 1'000'000 + i;
        slot& s = m.events[at % event_slots];
        write_payload(s, e);
        s.word.store(slot_word(at, slot_state::queued));
    }
    return spin_for_ever();
}

long status_kib(const char* key) {
    std::FILE* const status = std::fopen("/proc/self/status", "r");
    char line[256];
    long kib = 0;
    while (std::fgets(line, sizeof line, status) != nullptr)
        if (std::strncmp(line, key, std::strlen(key)) == 0) kib = std::atol(line + std::strlen(key) + 1);
    std::fclose(status);
    return kib;
}
long resident_kib() { return status_kib("VmRSS"); }
long peak_kib() { return status_kib("VmHWM"); }

// A sanitizer keeps freed memory.
#if defined(CADRE_ASAN) || defined(CADRE_TSAN)
constexpr long max_growth_kib = 1L << 30;
#else
constexpr long max_growth_kib = 4L * long{max_nested_calls};
#endif

TEST(hostile_worker, nested_calls_without_end_are_refused) {
    const executor ex = process_executor{{.workers = 1}};
    EXPECT_EQ(cadre::sync_wait(cadre::on(ex, plus_one, 1)), 2);
    const long before = peak_kib();
    const std::string what =
        run(watch<int>, cadre::spawn(ex, forge_nested_calls, max_nested_calls + 10, sizeof(nested_header)));
    EXPECT_NE(what.find("exceeded the limit of nested calls and was killed"), std::string::npos) << what;
    EXPECT_LT(peak_kib() - before, max_growth_kib);
    EXPECT_EQ(cadre::sync_wait(cadre::on(ex, plus_one, 1)), 2);
}

TEST(hostile_worker, nested_calls_with_arguments_without_end_are_refused) {
    const executor ex = process_executor{{.workers = 1}};
    EXPECT_EQ(cadre::sync_wait(cadre::on(ex, plus_one, 1)), 2);
    const long before = peak_kib();
    const std::string what =
        run(watch<int>, cadre::spawn(ex, forge_nested_calls, std::uint64_t{1000}, std::uint64_t{1} << 20));
    EXPECT_NE(what.find("exceeded the limit of the arguments of nested calls and was killed"), std::string::npos)
        << what;
    EXPECT_LT(peak_kib() - before, max_growth_kib);
    EXPECT_EQ(cadre::sync_wait(cadre::on(ex, plus_one, 1)), 2);
}

// Commits results for its own call without end. `items` of each message, and the bytes of each body, written or not.
int forge_committed(std::uint32_t items, std::uint64_t size, bool written) {
    call_memory::layout& m = *find_memory();
    const std::uint64_t ticket = own_ticket(m);
    const block b{worker_area + (std::uint64_t{64} << 20), size};
    if (written) std::memset(reinterpret_cast<std::byte*>(&m) + b.offset, 1, size);
    event e{};
    e.kind = event_kind::committed;
    e.flags = event::external;
    e.id = ticket;
    e.items = items;
    std::memcpy(e.body, &b, sizeof b);
    for (std::uint64_t at = m.control.events_consumed.load();; ++at) {
        while (at - m.control.events_consumed.load() >= event_slots)
            std::this_thread::yield();
        slot& s = m.events[at % event_slots];
        write_payload(s, e);
        s.word.store(slot_word(at, slot_state::queued));
    }
}

TEST(hostile_worker, a_flood_of_committed_results_is_refused_and_takes_no_memory) {
    const executor ex = process_executor{{.workers = 1}};
    EXPECT_EQ(cadre::sync_wait(cadre::on(ex, plus_one, 1)), 2);
    const long before = resident_kib();
    for (const std::uint32_t items : {0u, 1u, 2u}) {
        const std::string what =
            run(watch<int>, cadre::spawn(ex, forge_committed, items, std::uint64_t{1} << 20, true));
        EXPECT_NE(what.find("and was killed"), std::string::npos) << what;
    }
    const std::string what = run(watch<int>, cadre::spawn(ex, forge_committed, 1u, std::uint64_t{3} << 30, false));
    EXPECT_NE(what.find("whose body it has not written and was killed"), std::string::npos) << what;
    EXPECT_EQ(cadre::sync_wait(cadre::on(ex, plus_one, 1)), 2);
    EXPECT_LT(resident_kib() - before, 64 * 1024);
}

// Returns items of its own call, which has none to return.
int forge_returned(std::uint32_t items) {
    call_memory::layout& m = *find_memory();
    event e{};
    e.kind = event_kind::returned;
    e.id = own_ticket(m);
    e.items = items;
    forge(m, e);
    return spin_for_ever();
}
// The same in a chunk of tasks, which may return items: those behind the one in work, once.
cadre::task<int> forge_returned_in_chunk(std::uint32_t items, int x) {
    if (x == 4000) (void)forge_returned(items);
    co_return x;
}

TEST(hostile_worker, items_that_cannot_be_returned_end_their_worker_only) {
    const executor ex = process_executor{{.workers = 1}};
    for (const std::uint32_t items : {0u, 1u}) {
        const std::string what = run(watch<int>, cadre::spawn(ex, forge_returned, items));
        EXPECT_NE(what.find("returned items of a call that does not take them and was killed"), std::string::npos)
            << what;
    }
    const std::string far = run(watch<int>, cadre::spawn(ex, forge_returned, 7u));
    EXPECT_NE(far.find("reported more items than the call has and was killed"), std::string::npos) << far;
    for (const std::uint32_t items : {0u, 1u << 20}) {
        const auto all = cadre::sync_wait(
            cadre::map_outcomes(ex, cadre::bind_portable(forge_returned_in_chunk, items), std::views::iota(0, 5000)));
        EXPECT_FALSE(all[4000].has_value());
        for (int i = 0; i < 5000; ++i) {  // others fail as well: what such a worker has sent afterwards is not read
            const auto& o = all[static_cast<std::size_t>(i)];
            if (o.has_value()) {
                EXPECT_EQ(*o, i);
            }
        }
    }
    EXPECT_EQ(cadre::sync_wait(cadre::on(ex, plus_one, 1)), 2);
}

// Writes over the words of the raw chunk in work, and sends events about it that make no sense.
int damage_raw_chunk(int i) {
    if (i != 200) return i;
    call_memory::layout& m = *find_memory();
    std::uint64_t ticket = 0;
    block progress{};
    for (slot& s : m.events) {  // the chunk whose block was announced last
        event e{};
        read_payload(s, e);
        if (e.kind != event_kind::chunk_block || (e.flags & event::external) == 0) continue;
        ticket = e.id;
        std::memcpy(&progress, e.body, sizeof progress);
    }
    auto& words =
        *reinterpret_cast<cadre::detail::raw_chunk_words*>(reinterpret_cast<std::byte*>(&m) + progress.offset);
    words.range.store(cadre::detail::raw_chunk_words::pack(7, 0xffffffff));
    words.done.store(0xfffffff0);
    event e{};
    e.kind = event_kind::item_failed;
    e.id = ticket;
    e.items = 0xffffff00;
    forge(m, e);
    return spin_for_ever();
}

TEST(hostile_worker, damaged_words_of_a_raw_chunk_end_its_worker_only) {
    const executor ex = looked_after(1);
    const auto all = cadre::sync_wait(cadre::map_outcomes(ex, damage_raw_chunk, std::views::iota(0, 1000)));
    for (int i = 0; i < 1000; ++i) {
        const auto& o = all[static_cast<std::size_t>(i)];
        if (o.has_value()) {
            EXPECT_EQ(*o, i);
        }
    }
    EXPECT_EQ(cadre::sync_wait(cadre::on(ex, plus_one, 1)), 2);
}

std::vector<char> large_result(int i) { return std::vector<char>(std::size_t{3} << 20, static_cast<char>(i)); }

TEST(hostile_worker, large_results_of_a_chunk_arrive_in_parts) {
    const executor ex = process_executor{{.workers = 1}};
    std::vector<int> items(24);
    for (int i = 0; i < 24; ++i)
        items[static_cast<std::size_t>(i)] = i;
    const auto results = cadre::sync_wait(cadre::map(ex, large_result, items, {.chunk = 24}));
    ASSERT_EQ(results.size(), items.size());
    for (int i = 0; i < 24; ++i)
        EXPECT_EQ(results[static_cast<std::size_t>(i)], large_result(i));
}

TEST(hostile_worker, garbage_ends_its_worker_only) {
    const executor ex = looked_after(2);
    for (unsigned seed = 1; seed <= 20; ++seed) {
        EXPECT_ANY_THROW(cadre::sync_wait(cadre::on(ex, scribble, seed))) << seed;
        ASSERT_EQ(cadre::sync_wait(cadre::on(ex, plus_one, 1)), 2) << seed;
    }
}

}  // namespace
