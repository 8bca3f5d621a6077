#include <cadre/detail/state/separate_count.hpp>

#include <gtest/gtest.h>

#include <memory>
#include <utility>

namespace {

using pointer = cadre::detail::separate_count<int>;

TEST(separate_count, copies_own_the_object_together) {
    const auto object = std::make_shared<int>(7);
    const std::weak_ptr<int> alive = object;
    auto first = std::make_unique<pointer>(object);
    auto second = std::make_unique<pointer>(*first);
    EXPECT_EQ(*first, *second);
    EXPECT_EQ(first->use().get(), second->use().get());
    EXPECT_EQ(**second, 7);
    first.reset();
    EXPECT_EQ(**second, 7);
    pointer third = std::move(*second);
    second.reset();
    EXPECT_EQ(*third, 7);
    EXPECT_FALSE(alive.expired());
}

TEST(separate_count, what_was_made_from_a_copy_keeps_the_object) {
    std::shared_ptr<int> use;
    std::weak_ptr<int> alive;
    {
        auto object = std::make_shared<int>(7);
        alive = object;
        const pointer first(std::move(object));
        const pointer second = first;
        use = second.use();
    }
    EXPECT_EQ(*use, 7);
    use.reset();
    EXPECT_TRUE(alive.expired());
}

TEST(separate_count, the_uses_of_a_copy_are_counted_apart) {
    const pointer first(std::make_shared<int>(7));
    const pointer second = first;
    const long before = second.use().use_count();
    const auto use = first.use();
    EXPECT_EQ(second.use().use_count(), before);
    pointer third = first;
    third = second;
    third = pointer(third);
    EXPECT_EQ(third, second);
}

}  // namespace
