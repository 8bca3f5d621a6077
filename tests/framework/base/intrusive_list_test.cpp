#include <cadre/detail/base/intrusive_list.hpp>

#include <gtest/gtest.h>

#include <utility>
#include <vector>

namespace {

using cadre::detail::intrusive_list;
using cadre::detail::intrusive_queue;
using cadre::detail::list_links;

struct element {
    explicit element(int n) noexcept : number(n) {}
    int number;
    list_links<element> links{};
    element* next = nullptr;
};

using list = intrusive_list<element, &element::links>;
using counted_list = intrusive_list<element, &element::links, true>;
using queue = intrusive_queue<element, &element::next>;

static_assert(sizeof(list) == 2 * sizeof(void*), "a list without a count is two pointers");

template <class List>
std::vector<int> forwards(const List& elements) {
    std::vector<int> numbers;
    for (const element& e : elements)
        numbers.push_back(e.number);
    return numbers;
}

std::vector<int> backwards(const list& elements) {
    std::vector<int> numbers;
    for (const element* e = elements.back(); e != nullptr; e = list::prev(*e))
        numbers.push_back(e->number);
    return numbers;
}

std::vector<int> drain(queue& elements) {
    std::vector<int> numbers;
    while (const element* e = elements.pop_front())
        numbers.push_back(e->number);
    return numbers;
}

using numbers = std::vector<int>;

TEST(IntrusiveList, KeepsTheOrderOfInsertionAtBothEnds) {
    element a{1};
    element b{2};
    element c{3};
    list elements;
    EXPECT_TRUE(elements.empty());
    EXPECT_EQ(elements.front(), nullptr);
    elements.push_back(b);
    elements.push_back(c);
    elements.push_front(a);
    EXPECT_FALSE(elements.empty());
    EXPECT_EQ(forwards(elements), (numbers{1, 2, 3}));
    EXPECT_EQ(backwards(elements), (numbers{3, 2, 1}));
}

TEST(IntrusiveList, RemovesAtTheFrontInTheMiddleAndAtTheBack) {
    element a{1};
    element b{2};
    element c{3};
    element d{4};
    list elements;
    for (element* e : {&a, &b, &c, &d})
        elements.push_back(*e);
    elements.remove(b);
    EXPECT_EQ(forwards(elements), (numbers{1, 3, 4}));
    elements.remove(d);
    EXPECT_EQ(backwards(elements), (numbers{3, 1}));
    EXPECT_EQ(elements.pop_front(), &a);
    EXPECT_EQ(elements.pop_front(), &c);
    EXPECT_EQ(elements.pop_front(), nullptr);
    EXPECT_TRUE(elements.empty());
    EXPECT_EQ(elements.back(), nullptr);
}

TEST(IntrusiveList, ARemovedElementCanBeInsertedAgain) {
    element a{1};
    element b{2};
    list elements;
    elements.push_back(a);
    elements.push_back(b);
    elements.remove(a);
    elements.push_back(a);
    EXPECT_EQ(forwards(elements), (numbers{2, 1}));
}

TEST(IntrusiveList, ContainsTellsMembersFromOthers) {
    element a{1};
    element b{2};
    element outside{3};
    list elements;
    EXPECT_FALSE(elements.contains(a));
    elements.push_back(a);
    EXPECT_TRUE(elements.contains(a));
    elements.push_back(b);
    EXPECT_TRUE(elements.contains(b));
    EXPECT_FALSE(elements.contains(outside));
    elements.remove(a);
    EXPECT_FALSE(elements.contains(a));
    elements.remove(b);
    EXPECT_FALSE(elements.contains(b));
}

TEST(IntrusiveList, ALoopMayRemoveTheCurrentElement) {
    element a{1};
    element b{2};
    element c{3};
    list elements;
    for (element* e : {&a, &b, &c})
        elements.push_back(*e);
    numbers seen;
    for (element& e : elements) {
        seen.push_back(e.number);
        elements.remove(e);
    }
    EXPECT_EQ(seen, (numbers{1, 2, 3}));
    EXPECT_TRUE(elements.empty());
}

TEST(IntrusiveList, CountsItsElementsOnRequest) {
    element a{1};
    element b{2};
    counted_list elements;
    EXPECT_EQ(elements.size(), 0u);
    elements.push_back(a);
    elements.push_front(b);
    EXPECT_EQ(elements.size(), 2u);
    elements.remove(a);
    EXPECT_EQ(elements.size(), 1u);
    EXPECT_EQ(elements.pop_front(), &b);
    EXPECT_EQ(elements.size(), 0u);
}

TEST(IntrusiveQueue, IsFirstInFirstOut) {
    element a{1};
    element b{2};
    element c{3};
    queue elements;
    EXPECT_EQ(elements.pop_front(), nullptr);
    elements.push_back(a);
    elements.push_back(b);
    EXPECT_EQ(elements.pop_front(), &a);
    elements.push_back(c);
    EXPECT_EQ(elements.front(), &b);
    EXPECT_EQ(drain(elements), (numbers{2, 3}));
    EXPECT_TRUE(elements.empty());
}

TEST(IntrusiveQueue, AnElementReturnedToTheFrontIsNext) {
    element a{1};
    element b{2};
    queue elements;
    elements.push_front(a);
    elements.push_back(b);
    EXPECT_EQ(elements.pop_front(), &a);
    elements.push_front(a);
    EXPECT_EQ(drain(elements), (numbers{1, 2}));
}

TEST(IntrusiveQueue, SplicesAnotherQueueToItsEnd) {
    element a{1};
    element b{2};
    element c{3};
    queue elements;
    queue others;
    elements.splice_back(std::move(others));
    EXPECT_TRUE(elements.empty());
    others.push_back(a);
    elements.splice_back(std::move(others));
    others.push_back(b);
    others.push_back(c);
    elements.splice_back(std::move(others));
    EXPECT_TRUE(others.empty());
    EXPECT_EQ(drain(elements), (numbers{1, 2, 3}));
}

TEST(IntrusiveQueue, MovesOutAllElements) {
    element a{1};
    element b{2};
    queue elements;
    elements.push_back(a);
    elements.push_back(b);
    queue taken(std::move(elements));
    EXPECT_TRUE(elements.empty());
    EXPECT_EQ(drain(taken), (numbers{1, 2}));
}

}  // namespace
