#include "coroutine/trace_file.hpp"
#include "executors/temporary_folder.hpp"
#include "trace_check.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <fstream>
#include <iterator>
#include <string>

#include <sys/resource.h>
#include <unistd.h>

namespace {

using cadre::detail::wait_kind;
using cadre::detail::trace::event;
using cadre::detail::trace::event_kind;
using cadre::detail::trace::submission;
using cadre::detail::trace::trace_file;

event make(event_kind kind, std::int64_t time, std::uint64_t id = 0, pid_t thread = 1, std::string text = {}) {
    event e;
    e.kind = kind;
    e.time = time;
    e.id = id;
    e.pid = thread;
    e.tid = thread;
    e.text = std::move(text);
    return e;
}

class trace_files : public testing::Test {
protected:
    const temporary_folder folder;
    const std::string path = (folder.path() / "trace.json").string();
    trace_file file;

    void SetUp() override { ASSERT_EQ(file.open(path), ""); }
    [[nodiscard]] cadre::tests::trace read() const { return cadre::tests::trace(path); }
};

TEST_F(trace_files, it_is_valid_at_any_time) {
    EXPECT_EQ(read().events().size(), 0u);
    EXPECT_TRUE(file.write({make(event_kind::mark, 1500, 0, 1, "one")}));
    EXPECT_EQ(read().named("i", "one").size(), 1u);
    EXPECT_TRUE(file.write({make(event_kind::mark, 1600, 0, 1, "two")}));
    const auto t = read();
    EXPECT_EQ(t.named("i", "one").size() + t.named("i", "two").size(), 2u);
    EXPECT_DOUBLE_EQ(t.named("i", "one")[0]["ts"].number, 1.5);
}

TEST_F(trace_files, a_call_has_an_arrow_to_its_begin_on_another_thread) {
    EXPECT_TRUE(file.write({make(event_kind::run, 1000, 1, 1), make(event_kind::submit, 1100, 2, 1, "resize"),
                            make(event_kind::run, 1200, 2, 7), make(event_kind::begin, 1200, 2, 7),
                            make(event_kind::pause, 1300, 0, 7), make(event_kind::leave, 1300, 2, 7),
                            make(event_kind::pause, 1400, 0, 1)}));
    const auto t = read();
    const auto arrows = t.arrows();
    ASSERT_EQ(arrows.size(), 1u);
    EXPECT_EQ(arrows[0].from["tid"].number, 1);
    EXPECT_EQ(arrows[0].to["tid"].number, 7);
    EXPECT_EQ((*t.slice_around(arrows[0].to))["name"].text, "resize");
    EXPECT_EQ((*t.slice_around(arrows[0].from))["name"].text, "call resize");
    EXPECT_EQ(t.with("b", "call").size(), 1u);
    EXPECT_EQ(t.with("e", "call").size(), 1u);
}

TEST_F(trace_files, a_nested_call_is_submitted_in_one_process_and_accepted_in_another) {
    event arrow = make(event_kind::submit, 1100, 2, 7);
    arrow.detail = static_cast<std::uint8_t>(submission::arrow);
    event call = make(event_kind::submit, 1150, 2, 1, "resize");
    call.detail = static_cast<std::uint8_t>(submission::call);
    EXPECT_TRUE(file.write({make(event_kind::run, 1000, 5, 7), arrow, call, make(event_kind::run, 1200, 2, 8),
                            make(event_kind::begin, 1200, 2, 8), make(event_kind::pause, 1300, 0, 8),
                            make(event_kind::pause, 1400, 0, 7)}));
    const auto t = read();
    ASSERT_EQ(t.arrows().size(), 1u);
    EXPECT_EQ(t.arrows()[0].from["tid"].number, 7);
    EXPECT_EQ(t.with("b", "call").size(), 1u);
}

TEST_F(trace_files, a_death_ends_what_ran) {
    EXPECT_TRUE(file.write({make(event_kind::run, 1000, 5, 7), make(event_kind::death, 4000, 0, 7, "was killed")}));
    const auto slices = read().with("X", "task");
    ASSERT_EQ(slices.size(), 1u);
    EXPECT_DOUBLE_EQ(slices[0]["dur"].number, 3);
    EXPECT_EQ(read().named("i", "was killed").size(), 1u);
}

TEST_F(trace_files, the_end_ends_what_runs_and_counts_what_was_lost) {
    EXPECT_TRUE(file.write({make(event_kind::run, 1000, 5, 7)}));
    file.finish(3000, 12);
    EXPECT_EQ(read().with("X", "task").size(), 1u);
    EXPECT_EQ(read().named("i", "12 events were lost").size(), 1u);
}

TEST_F(trace_files, waits_say_for_what) {
    event wait = make(event_kind::wait, 1000, 5, 7);
    wait.wait = 0xabc;
    wait.detail = static_cast<std::uint8_t>(wait_kind::lock);
    event resume = make(event_kind::resume, 2000, 0, 7);
    resume.wait = 0xabc;
    EXPECT_TRUE(file.write({wait, resume}));
    EXPECT_EQ(read().named("b", "waits for a lock").size(), 1u);
    EXPECT_EQ(read().with("e", "wait").size(), 1u);
    wait.detail = 255;  // of a hostile worker
    EXPECT_TRUE(file.write({wait}));
    EXPECT_EQ(read().named("b", "something unknown").size(), 1u);
}

TEST_F(trace_files, any_text_is_a_valid_string) {
    std::string text = "\"\\/\n\t\x01\x7f";
    for (int c = 0x80; c < 0x100; ++c)
        text += static_cast<char>(c);
    text += "\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80 \xf0\x9f";
    EXPECT_TRUE(file.write({make(event_kind::mark, 1, 0, 1, text)}));
    const auto marks = read().with("i", "event");
    ASSERT_EQ(marks.size(), 1u);
    EXPECT_NE(marks[0]["name"].text.find("\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80 ??"), std::string::npos);
}

TEST_F(trace_files, a_full_disk_leaves_a_valid_file) {
    EXPECT_TRUE(file.write({make(event_kind::mark, 1, 0, 1, "one")}));
    ::signal(SIGXFSZ, SIG_IGN);
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
    rlimit small = before;
    small.rlim_cur = 4096;
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
    const bool written = file.write({make(event_kind::mark, 2, 0, 1, std::string(10000, 'x'))});
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
    EXPECT_FALSE(written);
    EXPECT_EQ(read().with("i", "event").size(), 1u);
}

TEST(trace_file, what_cannot_be_written) {
    trace_file file;
    EXPECT_EQ(file.open("/no/such/folder/trace.json"), "No such file or directory");
    EXPECT_EQ(file.open("/tmp"), "Is a directory");
    EXPECT_EQ(file.open("/dev/null"), "it is not a regular file");
    EXPECT_FALSE(file.is_open());
}

}  // namespace
