// stop_state: requests go down, never up; a listener is notified of each reason; followers may outlive leaders.
#include <cadre/detail/coroutine/stop_state.hpp>

#include <atomic>
#include <latch>
#include <memory>
#include <optional>
#include <stop_token>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace {

using cadre::detail::stop_node;
using cadre::detail::stop_reason;
using cadre::detail::stop_state;

struct listener : stop_node {
    listener() {
        fire = [](stop_node* node, stop_reason why) noexcept {
            auto& self = *static_cast<listener*>(node);
            self.heard.fetch_add(1);
            self.last.store(why);
        };
    }
    std::atomic<int> heard{0};
    std::atomic<stop_reason> last{stop_reason::none};
};

TEST(stop_state, requests_go_down_and_not_up) {
    stop_state root;
    stop_state left(&root);
    stop_state right(&root);
    stop_state below(&left);
    left.request_stop();
    EXPECT_TRUE(left.stop_requested());
    EXPECT_TRUE(below.stop_requested());
    EXPECT_FALSE(right.stop_requested());
    EXPECT_FALSE(root.stop_requested());
    root.request_stop();
    EXPECT_TRUE(right.stop_requested());
}

TEST(stop_state, listeners_are_notified_of_requests_above) {
    stop_state root;
    stop_state middle(&root);
    stop_state leaf(&middle);
    listener l;
    leaf.add(l);
    root.request_stop();
    root.request_stop();
    middle.request_stop();
    EXPECT_EQ(l.heard.load(), 1);
    EXPECT_EQ(l.last.load(), stop_reason::requested);
    leaf.remove(l);
}

// The first listener gives a tree its lock: here several at once, each in a subtree of its own.
TEST(stop_state, first_listeners_on_many_threads_share_a_tree) {
    for (int round = 0; round < 200; ++round) {
        constexpr int threads = 4;
        stop_state root;
        std::vector<std::unique_ptr<stop_state>> states;
        std::vector<listener> listeners(threads);
        std::latch together(threads);
        for (int i = 0; i < threads; ++i)
            states.push_back(std::make_unique<stop_state>(&root));
        {
            std::vector<std::jthread> running;
            for (int i = 0; i < threads; ++i)
                running.emplace_back([&, i] {
                    together.arrive_and_wait();
                    states[static_cast<std::size_t>(i)]->add(listeners[static_cast<std::size_t>(i)]);
                });
        }
        root.request_stop();
        for (int i = 0; i < threads; ++i) {
            EXPECT_EQ(listeners[static_cast<std::size_t>(i)].heard.load(), 1);
            states[static_cast<std::size_t>(i)]->remove(listeners[static_cast<std::size_t>(i)]);
        }
    }
}

TEST(stop_state, a_stronger_reason_notifies_again) {
    stop_state root;
    stop_state leaf(&root);
    listener l;
    leaf.add(l);
    root.request_stop();
    root.request_stop(stop_reason::deadline);
    root.request_stop(stop_reason::requested);
    EXPECT_EQ(l.heard.load(), 2);
    EXPECT_EQ(l.last.load(), stop_reason::deadline);
    EXPECT_EQ(leaf.reason(), stop_reason::deadline);
    leaf.remove(l);
}

TEST(stop_state, a_late_listener_is_notified_at_once) {
    stop_state root;
    stop_state leaf(&root);
    root.request_stop();
    listener l;
    leaf.add(l);
    EXPECT_EQ(l.heard.load(), 1);
    leaf.remove(l);
    listener refused;
    EXPECT_FALSE(leaf.try_add(refused));
    EXPECT_EQ(refused.heard.load(), 0);
}

TEST(stop_state, a_removed_listener_is_not_notified) {
    stop_state root;
    listener a;
    listener b;
    listener c;
    root.add(a);
    root.add(b);
    EXPECT_TRUE(root.try_add(c));
    root.remove(b);
    root.request_stop();
    EXPECT_EQ(a.heard.load() + c.heard.load(), 2);
    EXPECT_EQ(b.heard.load(), 0);
    root.remove(a);
    root.remove(c);
}

TEST(stop_state, tokens_follow_and_outlive_it) {
    std::optional<stop_state> root(std::in_place);
    std::optional<stop_state> leaf(std::in_place, &*root);
    const std::stop_token token = leaf->token();
    EXPECT_EQ(leaf->token(), token);
    EXPECT_FALSE(token.stop_requested());
    root->request_stop();
    EXPECT_TRUE(token.stop_requested());
    leaf.reset();
    root.reset();
    EXPECT_TRUE(token.stop_requested());
    stop_state asked;
    asked.request_stop();
    EXPECT_TRUE(asked.token().stop_requested());
}

TEST(stop_state, a_callback_of_a_token_may_use_the_tree) {
    stop_state root;
    stop_state leaf(&root);
    int called = 0;
    const std::stop_callback again(leaf.token(), [&] {
        ++called;
        root.request_stop(stop_reason::deadline);
        listener l;
        leaf.add(l);
        leaf.remove(l);
    });
    root.request_stop();
    EXPECT_EQ(called, 1);
    EXPECT_EQ(leaf.reason(), stop_reason::deadline);
}

TEST(stop_state, followers_are_notified_of_the_leader) {
    stop_state root;
    stop_state leader(&root);
    stop_state follower;
    follower.follow(&leader);
    listener l;
    follower.add(l);
    root.request_stop();
    EXPECT_TRUE(follower.stop_requested());
    EXPECT_EQ(l.heard.load(), 1);
    follower.remove(l);
    follower.unfollow();
    stop_state late;
    late.follow(&leader);
    EXPECT_TRUE(late.stop_requested());
    late.unfollow();
}

TEST(stop_state, a_listed_one_gets_no_requests_from_above) {
    const auto listeners_of = [](stop_state& s) {
        int n = 0;
        s.visit_listeners([](const stop_node&, void* count) { ++*static_cast<int*>(count); }, &n);
        return n;
    };
    stop_state above;
    listener at_above;
    above.add(at_above);
    {
        stop_state listed;
        listed.list_below(&above);
        stop_state child(&listed);
        listener at_child;
        child.add(at_child);
        EXPECT_EQ(listeners_of(above), 2);
        above.request_stop();
        EXPECT_EQ(at_above.heard.load(), 1);
        EXPECT_EQ(at_child.heard.load(), 0);
        EXPECT_FALSE(child.stop_requested());
        listed.request_stop();
        EXPECT_EQ(at_child.heard.load(), 1);
        child.remove(at_child);
    }
    EXPECT_EQ(listeners_of(above), 1);
    above.remove(at_above);
}

TEST(stop_state, leader_and_follower_end_in_either_order) {
    auto leader = std::make_unique<stop_state>();
    auto follower = std::make_unique<stop_state>();
    follower->follow(leader.get());
    leader.reset();
    follower->request_stop();
    EXPECT_TRUE(follower->stop_requested());
    follower.reset();

    leader = std::make_unique<stop_state>();
    follower = std::make_unique<stop_state>();
    follower->follow(leader.get());
    follower.reset();
    leader->request_stop();

    stop_state alone;
    alone.follow(nullptr);
    alone.unfollow();
    stop_state left;
    left.follow(leader.get());
    left.unfollow();
    left.unfollow();
}

TEST(stop_state, threads_may_request_and_register_concurrently) {
    for (int round = 0; round < 300; ++round) {
        stop_state root;
        stop_state middle(&root);
        std::atomic<int> ready{0};
        std::vector<std::thread> threads;
        std::atomic<int> heard{0};
        for (int i = 0; i < 3; ++i)
            threads.emplace_back([&, i] {
                ready.fetch_add(1);
                while (ready.load() != 3)
                    std::this_thread::yield();
                if (i == 0) {
                    root.request_stop();
                    return;
                }
                stop_state own(&middle);
                listener l;
                own.add(l);
                while (l.heard.load() == 0)
                    std::this_thread::yield();
                own.remove(l);
                heard.fetch_add(l.heard.load());
            });
        for (std::thread& t : threads)
            t.join();
        EXPECT_EQ(heard.load(), 2);
    }
}

}  // namespace
