#include "config/suggest.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace {

const std::vector<std::string> kinds = {"mpi", "process", "serial", "thread"};

TEST(suggest, finds_the_nearest_name) {
    EXPECT_EQ(cadre::detail::closest("proces", kinds), "process");
    EXPECT_EQ(cadre::detail::closest("porcess", kinds), "process");
    EXPECT_EQ(cadre::detail::closest("tread", kinds), "thread");
    EXPECT_EQ(cadre::detail::closest("threads", kinds), "thread");
    EXPECT_EQ(cadre::detail::closest("Serial", kinds), "serial");
    EXPECT_EQ(cadre::detail::closest("mpl", kinds), "mpi");
}

TEST(suggest, stays_silent_when_nothing_is_near) {
    for (const char* wrong : {"", "x", "banana", "cluster", "pool"})
        EXPECT_EQ(cadre::detail::did_you_mean(wrong, kinds), "") << wrong;
    EXPECT_EQ(cadre::detail::did_you_mean("abc", {}), "");
}

TEST(suggest, wording) {
    EXPECT_EQ(cadre::detail::did_you_mean("proces", kinds), "; did you mean 'process'?");
    EXPECT_EQ(cadre::detail::listed(kinds), "mpi, process, serial, thread");
}

}  // namespace
