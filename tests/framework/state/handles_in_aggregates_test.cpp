// Aggregates of handles are portable without an annotation, whatever constructors the handles have.

#include <cadre/async_barrier.hpp>
#include <cadre/async_condition_variable.hpp>
#include <cadre/async_event.hpp>
#include <cadre/async_latch.hpp>
#include <cadre/async_mutex.hpp>
#include <cadre/async_semaphore.hpp>
#include <cadre/async_shared_mutex.hpp>
#include <cadre/channel.hpp>
#include <cadre/executor.hpp>
#include <cadre/portable.hpp>
#include <cadre/shared_array.hpp>
#include <cadre/shared_constant.hpp>
#include <cadre/shared_segment.hpp>
#include <cadre/shared_value.hpp>
#include <cadre/unique_fd.hpp>

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace {

template <class Handle>
class handles_in_aggregates : public testing::Test {};

using handles = testing::Types<cadre::executor, cadre::channel<int>, cadre::channel<std::string>,
                               cadre::shared_value<int>, cadre::shared_array<double>, cadre::shared_array<double, 2>,
                               cadre::shared_constant<std::vector<int>>, cadre::shared_segment, cadre::async_mutex,
                               cadre::async_shared_mutex, cadre::async_semaphore, cadre::async_condition_variable,
                               cadre::async_event, cadre::async_barrier, cadre::async_latch, cadre::unique_fd>;
TYPED_TEST_SUITE(handles_in_aggregates, handles);

template <class Handle>
struct alone {
    Handle handle;
};
template <class Handle>
struct first {
    Handle handle;
    int n;
};
template <class Handle>
struct last {
    int n;
    std::string text;
    Handle handle;
};
template <class Handle>
struct between {
    std::vector<int> before;
    Handle one;
    Handle two;
    alone<Handle> inner;
};

TYPED_TEST(handles_in_aggregates, are_portable_anywhere) {
    EXPECT_TRUE(cadre::portable<alone<TypeParam>>);
    EXPECT_TRUE(cadre::portable<first<TypeParam>>);
    EXPECT_TRUE(cadre::portable<last<TypeParam>>);
    EXPECT_TRUE(cadre::portable<between<TypeParam>>);
}

}  // namespace
