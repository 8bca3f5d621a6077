// Streams are abandoned after every number of elements, and in every wait for the next one: no frame and no element is
// left, and what the stream had started has ended when its executor has shut down.

#include <cadre/cadre.hpp>

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace std::chrono_literals;
using cadre::stream;
using cadre::task;
namespace views = cadre::views;

constexpr int length = 25;
std::atomic<int> live{0};

// An element that can be moved only and owns memory, so that AddressSanitizer sees what happens to it; and a local of
// each body.
class tracked {
public:
    explicit tracked(int n) : number_(std::make_unique<int>(n)) { ++live; }
    tracked(tracked&& other) noexcept : number_(std::move(other.number_)) { ++live; }
    tracked& operator=(tracked&& other) noexcept {
        number_ = std::move(other.number_);
        return *this;
    }
    ~tracked() { --live; }
    [[nodiscard]] int number() const { return number_ != nullptr ? *number_ : -1; }

private:
    std::unique_ptr<int> number_;
};

task<tracked> doubled(tracked t) {
    const tracked here(0);
    if (t.number() % 3 == 0) co_await cadre::yield();
    co_return tracked(2 * t.number());
}
tracked halved(tracked t) { return tracked(t.number() / 2); }

stream<tracked> numbers() {
    const tracked here(0);
    for (int i = 0; i != length; ++i) {
        if (i % 2 != 0) co_await cadre::yield();
        if (i % 5 == 4) co_await cadre::sleep_for(1us);
        co_yield tracked(i);
    }
}
stream<tracked> nested(int depth) {
    const tracked here(0);
    stream<tracked> inner = depth == 0 ? numbers() : nested(depth - 1);
    while (auto t = co_await inner.next())
        co_yield std::move(*t);
}
stream<tracked> failing() {
    auto inner = numbers();
    while (auto t = co_await inner.next()) {
        if (t->number() == 10) throw std::domain_error("10");
        co_yield std::move(*t);
    }
}

std::vector<tracked> some() {
    std::vector<tracked> all;
    for (int i = 0; i != length; ++i)
        all.emplace_back(i);
    return all;
}

struct pipeline {
    const char* name;
    stream<tracked> (*make)(const cadre::thread_executor&);
};

stream<tracked> flat(stream<std::vector<tracked>> chunks) {
    while (auto chunk = co_await chunks.next())
        for (tracked& t : *chunk)
            co_yield std::move(t);
}

const std::array pipelines{
    pipeline{"a body", [](const auto&) { return numbers(); }},
    pipeline{"bodies in bodies", [](const auto&) { return nested(5); }},
    pipeline{"a body that fails", [](const auto&) { return failing(); }},
    pipeline{"a container", [](const auto&) { return cadre::stream_of(some()); }},
    pipeline{"views",
             [](const auto&) -> stream<tracked> {
                 return numbers() | views::transform(doubled) |
                        views::filter([](const tracked& t) { return t.number() != 4; }) | views::drop(1) |
                        views::take(length);
             }},
    pipeline{"chunks", [](const auto&) { return flat(numbers() | views::chunk(4)); }},
    pipeline{"buffers",
             [](const auto&) -> stream<tracked> {
                 return numbers() | views::buffer(1) | views::transform(halved) | views::buffer(7);
             }},
    pipeline{"a map_stream of a container", [](const auto& ex) { return cadre::map_stream(ex, doubled, some()); }},
    pipeline{"a map_stream with a window",
             [](const auto& ex) { return cadre::map_stream(ex, doubled, numbers(), {.window = 3}); }},
    pipeline{"a map_stream of plain calls, unordered",
             [](const auto& ex) { return cadre::map_stream(ex, halved, numbers(), {.ordered = false}); }},
    pipeline{"stages",
             [](const auto& ex) -> stream<tracked> {
                 auto first = cadre::map_stream(ex, doubled, failing(), {.window = 2});
                 auto second = cadre::map_stream(ex, halved, std::move(first) | views::buffer(3), {.ordered = false});
                 return flat(std::move(second) | views::chunk(2));
             }},
};

// `in_a_wait`: the last `next()` is stopped after so many steps of other tasks, and the stream dropped right then.
task<int> take(stream<tracked> from, int elements, std::optional<int> in_a_wait) {
    int taken = 0;
    for (; taken != elements; ++taken) {
        const auto t = co_await cadre::as_outcome(from.next());
        if (!t || !t->has_value()) co_return taken;
    }
    if (in_a_wait) {
        const auto steps = [](int n) -> task<> {
            while (n-- > 0)
                co_await cadre::yield();
        };
        static_cast<void>(co_await cadre::as_outcome(cadre::when_any(from.next(), steps(*in_a_wait))));
    }
    co_return taken;
}

task<int> make_and_take(pipeline p, cadre::thread_executor ex, int elements, std::optional<int> in_a_wait) {
    co_return co_await take(p.make(ex), elements, in_a_wait);
}

// Until the pipeline has no more elements. The consumer's home is a thread, or a pool of its own.
template <class Run>
void abandon_everywhere(Run run) {
    for (const pipeline& p : pipelines) {
        SCOPED_TRACE(p.name);
        for (const std::optional<int> in_a_wait : {std::optional<int>(), std::optional(0), std::optional(3)}) {
            int elements = 0;
            for (;; ++elements) {
                ASSERT_LE(elements, length + 1);
                cadre::thread_executor ex{{.workers = 2}};
                const int taken = run(p, ex, elements, in_a_wait);
                cadre::sync_wait(ex.shutdown(1min));
                ASSERT_EQ(live.load(), 0) << elements << " elements";
                if (taken != elements) break;
            }
            EXPECT_GT(elements, 8);
        }
    }
}

TEST(abandoned_streams, leave_nothing_on_a_serial_home) {
    abandon_everywhere([](pipeline p, const cadre::thread_executor& ex, int elements, std::optional<int> in_a_wait) {
        cadre::serial_executor home;
        const int taken = cadre::sync_wait(cadre::on(home, make_and_take, p, ex, elements, in_a_wait));
        cadre::sync_wait(home.shutdown(1min));
        return taken;
    });
}

TEST(abandoned_streams, leave_nothing_on_a_pool) {
    abandon_everywhere([](pipeline p, const cadre::thread_executor& ex, int elements, std::optional<int> in_a_wait) {
        return cadre::sync_wait(cadre::on(ex, make_and_take, p, ex, elements, in_a_wait));
    });
}

TEST(abandoned_streams, leave_nothing_in_the_orders_of_seeds) {
    for (std::uint64_t seed = 0; seed != 2; ++seed) {
        SCOPED_TRACE(seed);
        abandon_everywhere(
            [&](pipeline p, const cadre::thread_executor& ex, int elements, std::optional<int> in_a_wait) {
                cadre::serial_executor home{{.clock = cadre::clock_kind::virtual_time, .seed = seed}};
                const int taken = cadre::sync_wait(cadre::on(home, make_and_take, p, ex, elements, in_a_wait));
                cadre::sync_wait(home.shutdown(1min));
                return taken;
            });
    }
}

}  // namespace
