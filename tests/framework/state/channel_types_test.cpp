// A channel of a local executor carries any movable type: move-only, not portable, with pointers, over-aligned.
#include <cadre/channel.hpp>

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <cadre/executors/serial.hpp>
#include <cadre/executors/thread.hpp>
#include <cadre/portable.hpp>
#include <cadre/sync_wait.hpp>
#include <cadre/unique_fd.hpp>
#include <cadre/when_all.hpp>

namespace {

using cadre::channel;
using cadre::task;

struct shape {
    virtual ~shape() = default;
    [[nodiscard]] virtual int corners() const { return 0; }
};
struct square final : shape {
    [[nodiscard]] int corners() const override { return 4; }
};

/// Move-only, without a default constructor, with a pointer and a reference to its owner.
class borrowed {
public:
    borrowed(int& owner, std::unique_lock<std::mutex> lock) : owner_(&owner), lock_(std::move(lock)) {}
    [[nodiscard]] int* owner() const { return owner_; }
    [[nodiscard]] bool locks() const { return lock_.owns_lock(); }

private:
    int* owner_;
    std::unique_lock<std::mutex> lock_;
};

struct alignas(64) wide {
    int* first = nullptr;
};

static_assert(!cadre::portable<std::unique_ptr<shape>> && !cadre::portable<std::function<int()>>);
static_assert(!cadre::portable<borrowed> && !cadre::portable<int*> && !cadre::portable<std::shared_ptr<int>>);
static_assert(!cadre::portable<wide> && !cadre::portable<std::vector<std::function<int()>>>);

/// Sends `values` by every operation and receives them by every operation. @return what was received
template <class T, class E>
std::vector<T> pass(const E& ex, std::vector<T> values) {
    const channel<T> ch(ex, 2);
    std::vector<T> received;
    cadre::sync_wait([](channel<T> to, std::vector<T> all, std::vector<T>& into) -> task<> {
        auto produce = [](channel<T> c, std::vector<T> v) -> task<> {
            EXPECT_TRUE(c.try_send(std::move(v[0])));
            co_await c.send(std::move(v[1]));
            co_await c.emplace(std::move(v[2]));  // waits: the channel is full
            v.erase(v.begin(), v.begin() + 3);
            co_await c.send_all(std::move(v));
        };
        auto consume = [](channel<T> c, std::vector<T>& to_fill) -> task<> {
            while (auto one = co_await c.receive()) {
                to_fill.push_back(std::move(*one));
                if (auto next = c.try_receive()) to_fill.push_back(std::move(*next));
                for (T& more : co_await c.receive_many(2))
                    to_fill.push_back(std::move(more));
            }
        };
        co_await cadre::when_all(to.close_after(produce(to, std::move(all))), consume(to, into));
    }(ch, std::move(values), received));
    return received;
}

template <class Make>
auto made(Make make) {
    std::vector<decltype(make(0))> all;
    for (int i = 0; i < 8; ++i)
        all.push_back(make(i));
    return all;
}

template <class E>
class local_channel_types : public ::testing::Test {
protected:
    E ex_{};
};
using local_executors = ::testing::Types<cadre::serial_executor, cadre::thread_executor>;
TYPED_TEST_SUITE(local_channel_types, local_executors);

TYPED_TEST(local_channel_types, pointers_arrive_as_they_are) {
    std::vector<int> numbers(8);
    const auto received = pass(this->ex_, made([&](int i) { return &numbers[static_cast<std::size_t>(i)]; }));
    ASSERT_EQ(received.size(), 8u);
    for (std::size_t i = 0; i < 8; ++i)
        EXPECT_EQ(received[i], &numbers[i]);
}

TYPED_TEST(local_channel_types, owners_of_derived_objects_arrive) {
    const auto received =
        pass(this->ex_, made([](int) -> std::unique_ptr<shape> { return std::make_unique<square>(); }));
    ASSERT_EQ(received.size(), 8u);
    for (const auto& s : received)
        EXPECT_EQ(s->corners(), 4);
}

TYPED_TEST(local_channel_types, callables_with_captures_arrive) {
    std::vector<int> called;
    const auto received = pass(this->ex_, made([&](int i) -> std::function<void()> {
                                   return [&called, i, text = std::string(100, 'x')] {
                                       called.push_back(i + static_cast<int>(text.size()));
                                   };
                               }));
    for (const auto& f : received)
        f();
    EXPECT_EQ(called, (std::vector<int>{100, 101, 102, 103, 104, 105, 106, 107}));
}

TYPED_TEST(local_channel_types, shared_owners_stay_shared) {
    const auto one = std::make_shared<int>(7);
    const auto received = pass(this->ex_, made([&](int) { return one; }));
    EXPECT_EQ(one.use_count(), 9);
    EXPECT_EQ(received.size(), 8u);
}

TYPED_TEST(local_channel_types, objects_without_a_default_constructor_arrive) {
    std::vector<std::mutex> mutexes(8);
    std::vector<int> owners(8);
    const auto received = pass(this->ex_, made([&](int i) {
                                   const auto at = static_cast<std::size_t>(i);
                                   return borrowed(owners[at], std::unique_lock(mutexes[at]));
                               }));
    ASSERT_EQ(received.size(), 8u);
    for (std::size_t i = 0; i < 8; ++i) {
        EXPECT_EQ(received[i].owner(), &owners[i]);
        EXPECT_TRUE(received[i].locks());
    }
}

TYPED_TEST(local_channel_types, over_aligned_objects_arrive_aligned) {
    int x = 0;
    const auto received = pass(this->ex_, made([&](int) { return wide{&x}; }));
    ASSERT_EQ(received.size(), 8u);
    for (const wide& w : received) {
        EXPECT_EQ(reinterpret_cast<std::uintptr_t>(&w) % alignof(wide), 0u);
        EXPECT_EQ(w.first, &x);
    }
}

TYPED_TEST(local_channel_types, descriptors_arrive_under_the_same_number) {
    std::vector<int> sent;
    const auto received = pass(this->ex_, made([&](int) {
                                   cadre::unique_fd fd{::dup(0)};
                                   sent.push_back(fd.get());
                                   return fd;
                               }));
    ASSERT_EQ(received.size(), sent.size());
    for (std::size_t i = 0; i < sent.size(); ++i)
        EXPECT_EQ(received[i].get(), sent[i]);
}

// Through the erased handle T must be portable, whatever the executor is; a unique_fd is.
TYPED_TEST(local_channel_types, descriptors_need_no_concrete_executor) {
    const cadre::executor erased = this->ex_;
    EXPECT_EQ(pass(erased, made([](int) { return cadre::unique_fd{::dup(0)}; })).size(), 8u);
}

}  // namespace
