// Frames are recycled by size class, and the number that a thread keeps is bounded.
#include <cadre/detail/coroutine/frame_pool.hpp>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <new>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <unistd.h>

#include <cadre/detail/base/sanitizers.hpp>
#include <cadre/frame_allocator.hpp>
#include <cadre/sync_wait.hpp>
#include <cadre/task.hpp>

namespace {

using cadre::detail::allocate_frame;
using cadre::detail::frame_class_limit;
using cadre::detail::frame_classes;
using cadre::detail::frame_granularity;
using cadre::detail::free_frame;
using cadre::detail::this_thread_frames;

std::size_t kept() {
    std::size_t all = 0;
    for (std::size_t c = 0; c < frame_classes; ++c) {
        std::size_t of_this_size = 0;
        for (const auto* f = this_thread_frames.head[c]; f != nullptr; f = f->next)
            ++of_this_size;
        EXPECT_LE(of_this_size, frame_class_limit);
        all += of_this_size;
    }
    return all;
}

TEST(frame_pool, gives_distinct_aligned_writable_memory) {
    std::vector<void*> frames;
    for (std::size_t size = 1; size <= 4096; size += 37) {
        void* f = allocate_frame(size);
        EXPECT_EQ(reinterpret_cast<std::uintptr_t>(f) % alignof(std::max_align_t), 0u);
        std::memset(f, 0xab, size);
        frames.push_back(f);
    }
    std::vector<void*> sorted = frames;
    std::ranges::sort(sorted);
    EXPECT_EQ(std::ranges::adjacent_find(sorted), sorted.end());
    std::size_t size = 1;
    for (void* f : frames) {
        free_frame(f, size);
        size += 37;
    }
}

#ifndef CADRE_ASAN
TEST(frame_pool, recycles_the_last_frame) {
    void* warm = allocate_frame(200);
    free_frame(warm, 200);
    void* again = allocate_frame(250);  // the same class
    EXPECT_EQ(again, warm);
    void* other = allocate_frame(300);
    EXPECT_NE(other, warm);
    free_frame(other, 300);
    free_frame(again, 250);
}
#endif

TEST(frame_pool, keeps_no_more_than_its_limit) {
    std::vector<void*> frames;
    for (int i = 0; i < 10'000; ++i)
        frames.push_back(allocate_frame(128));
    for (void* f : frames)
        free_frame(f, 128);
    EXPECT_LE(kept(), frame_classes * frame_class_limit);
}

TEST(frame_pool, frames_freed_on_another_thread_do_not_accumulate) {
    for (int round = 0; round < 20; ++round) {
        std::vector<void*> frames;
        for (int i = 0; i < 2'000; ++i)
            frames.push_back(allocate_frame(192));
        std::thread([&] {
            for (void* f : frames)
                free_frame(f, 192);
            EXPECT_LE(kept(), frame_class_limit);
        }).join();  // at its end the thread frees the frames it kept
    }
}

#if !defined(CADRE_ASAN) && !defined(CADRE_TSAN)
std::size_t resident_bytes() {
    std::size_t size = 0, resident = 0;
    std::ifstream("/proc/self/statm") >> size >> resident;
    return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

TEST(frame_pool, memory_of_many_frames_goes_back_to_the_system) {
    constexpr std::size_t frame_size = 128;
    constexpr std::size_t count = 400'000;
    constexpr std::size_t retained = std::size_t{20} << 20;  // spare slabs, and those that kept frames belong to
    std::vector<void*> frames(count);
    const std::size_t before = resident_bytes();
    for (void*& f : frames)
        f = allocate_frame(frame_size);
    EXPECT_GT(resident_bytes(), before + count * frame_size / 2);
    for (void* f : frames)
        free_frame(f, frame_size);
    EXPECT_LT(resident_bytes(), before + retained);
}

TEST(frame_pool, memory_that_is_needed_again_and_again_stays) {
    constexpr std::size_t frame_size = 128;
    constexpr std::size_t count = 64'000;  // 8 MB
    constexpr std::size_t given_back = std::size_t{2} << 20;
    std::vector<void*> frames(count);
    std::size_t in_use = 0;
    for (int round = 0; round < 10; ++round) {
        for (void*& f : frames)
            f = allocate_frame(frame_size);
        in_use = resident_bytes();
        for (void* f : frames)
            free_frame(f, frame_size);
    }
    EXPECT_GT(resident_bytes() + given_back, in_use);
}
#endif

TEST(frame_pool, frames_that_two_threads_exchange_are_distinct) {
    constexpr std::size_t frame_size = 64;
    std::vector<void*> theirs;
    for (int round = 0; round < 200; ++round) {
        std::vector<void*> mine;
        for (int i = 0; i < 1'000; ++i) {
            mine.push_back(allocate_frame(frame_size));
            std::memset(mine.back(), round, frame_size);
        }
        std::thread([&] {
            for (void* f : std::exchange(theirs, {}))
                free_frame(f, frame_size);
            for (int i = 0; i < 1'000; ++i) {
                theirs.push_back(allocate_frame(frame_size));
                std::memset(theirs.back(), round + 1, frame_size);
            }
        }).join();
        std::vector<void*> all = mine;
        all.insert(all.end(), theirs.begin(), theirs.end());
        std::ranges::sort(all);
        ASSERT_EQ(std::ranges::adjacent_find(all), all.end());
        for (void* f : mine)
            free_frame(f, frame_size);
    }
    for (void* f : theirs)
        free_frame(f, frame_size);
}

TEST(frame_pool, large_frames_are_not_kept) {
    const std::size_t before = kept();
    void* f = allocate_frame(frame_classes * frame_granularity + 1);
    free_frame(f, frame_classes * frame_granularity + 1);
    EXPECT_EQ(kept(), before);
}

cadre::task<int> give(int n) { co_return n; }

std::atomic<int> taken{0};
std::atomic<int> given_back{0};
constexpr cadre::frame_allocator counting{
    .allocate =
        [](std::size_t size) {
            taken.fetch_add(1);
            return ::operator new(size);
        },
    .deallocate =
        [](void* memory, std::size_t size) noexcept {
            given_back.fetch_add(1);
            ::operator delete(memory, size);
        },
};

// In a process of its own: other tests have made tasks in this one.
TEST(frame_allocator_death_test, allocates_and_frees_every_frame) {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    const auto program = [] {
        cadre::set_frame_allocator(counting);
        std::thread([] {
            for (int i = 0; i < 100; ++i)
                if (cadre::sync_wait(give(i)) != i) std::_Exit(1);
        }).join();
        const bool all = taken.load() > 0 && taken.load() == given_back.load();
        std::_Exit(all ? 0 : 2);
    };
    EXPECT_EXIT(program(), testing::ExitedWithCode(0), "");
}

cadre::task<std::size_t> length(std::string text, cadre::task<int> inner) {
    co_return text.size() + static_cast<std::size_t>(co_await std::move(inner));
}

TEST(frame_allocator_death_test, without_memory_no_task_is_made_and_its_arguments_are_destroyed) {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    const auto program = [] {
        static std::atomic<bool> exhausted{false};
        cadre::set_frame_allocator({.allocate = [](std::size_t size) -> void* {
                                        if (exhausted.load()) throw std::bad_alloc();
                                        return counting.allocate(size);
                                    },
                                    .deallocate = counting.deallocate});
        auto inner = give(1);
        exhausted.store(true);
        try {
            (void)length(std::string(100, 'x'), std::move(inner));
        } catch (const std::bad_alloc&) {
            exhausted.store(false);
            std::_Exit(cadre::sync_wait(length("text", give(3))) == 7 ? 0 : 2);
        }
        std::_Exit(1);
    };
    EXPECT_EXIT(program(), testing::ExitedWithCode(0), "");
}

TEST(frame_allocator, is_refused_after_the_first_task) {
    EXPECT_EQ(cadre::sync_wait(give(1)), 1);
    EXPECT_THROW(cadre::set_frame_allocator(counting), std::logic_error);
}

TEST(frame_allocator, requires_both_functions) {
    EXPECT_THROW(cadre::set_frame_allocator({.allocate = counting.allocate, .deallocate = nullptr}),
                 std::invalid_argument);
}

// Allocated here, freed there, a hundred thousand times: both threads keep a bounded number.
TEST(frame_pool, frames_that_move_between_threads_do_not_accumulate) {
    constexpr std::size_t size = 500;
    std::size_t largest_there = 0;
    for (int round = 0; round < 100; ++round) {
        std::vector<void*> frames;
        for (int i = 0; i < 1000; ++i)
            frames.push_back(allocate_frame(size));
        std::thread([&] {
            for (void* f : frames)
                free_frame(f, size);
            largest_there = std::max(largest_there, kept());
        }).join();
    }
    EXPECT_LE(largest_there, frame_class_limit);
    EXPECT_LE(kept(), frame_class_limit * frame_classes);
}

}  // namespace
