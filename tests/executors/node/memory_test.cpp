// Agents and programs without memory for a message: nothing that waits for it waits without end.

#include "node/home_relay.hpp"
#include "node/message.hpp"
#include "node/parts.hpp"
#include "state/home_protocol.hpp"

#include <cadre/detail/base/sanitizers.hpp>
#include <cadre/executor.hpp>
#include <cadre/executor_backend.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <new>
#include <span>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#if !defined(CADRE_ASAN) && !defined(CADRE_TSAN)  // which end the program when there is no memory

namespace {

using namespace cadre::detail;

class recording_link final : public node::node_link {
public:
    void start(node::node_link_events&, byte_buffer) override {}
    void publish(node::target, node::node_id, byte_buffer body) noexcept override { sent.push_back(std::move(body)); }
    void acknowledge(std::uint64_t) noexcept override {}
    void set_credit(std::uint32_t) noexcept override {}
    void drain_work() noexcept override {}
    [[nodiscard]] bool redelivers() const noexcept override { return false; }
    void stop(std::chrono::steady_clock::time_point) noexcept override {}
    std::vector<byte_buffer> sent;
};

/// A pool without workers, which records what reaches them.
class recording_pool final : public cadre::executor_backend, private home_downstream {
public:
    [[nodiscard]] cadre::executor_kind kind() const noexcept override { return cadre::executor_kind::custom; }
    [[nodiscard]] std::size_t concurrency() const noexcept override { return 1; }
    [[nodiscard]] std::string name() const override { return "recording"; }
    void submit(std::span<cadre::work_item* const>) noexcept override {}
    [[nodiscard]] void* query(const std::type_info& extension) noexcept override {
        return extension == typeid(home_downstream) ? static_cast<home_downstream*>(this) : nullptr;
    }
    void answer(std::uint64_t, std::uint64_t ticket, std::span<const std::byte> body) noexcept override {
        answered = ticket;
        status = answer_status::of(body);
    }
    void abandon(std::uint64_t worker) noexcept override { abandoned = worker; }

    std::uint64_t answered = 0;
    answer_status status{};
    std::uint64_t abandoned = 0;
};

/// In the child of a death test: from here on the process gets no more than so many buffers for parts.
void leave_memory_for(std::size_t parts) {
    std::FILE* const f = std::fopen("/proc/self/statm", "re");
    unsigned long pages = 0;
    if (f == nullptr || std::fscanf(f, "%lu", &pages) != 1) ::_exit(7);
    std::fclose(f);
    const rlimit little{pages * 4096 + (std::size_t{1} << 20), RLIM_INFINITY};
    if (::setrlimit(RLIMIT_AS, &little) != 0) ::_exit(7);
    // Also what freed buffers have left for the next ones.
    static std::vector<byte_buffer> taken;
    try {
        for (;;) {
            byte_buffer buffer;
            buffer.reserve(node::part_size + 1);
            taken.push_back(std::move(buffer));
        }
    } catch (const std::bad_alloc&) {
    }
    while (taken.size() < parts) {  // nothing was left of earlier tests
        const rlimit more{little.rlim_cur + parts * (node::part_size + 4096), RLIM_INFINITY};
        if (::setrlimit(RLIMIT_AS, &more) != 0) ::_exit(7);
        byte_buffer buffer;
        buffer.reserve(node::part_size + 1);
        taken.push_back(std::move(buffer));
    }
    taken.resize(taken.size() - parts);
}

constexpr std::size_t mebi = std::size_t{1} << 20;
constexpr std::size_t large = node::max_message + 3 * mebi;

/// An answer of `size` bytes in parts.
std::vector<byte_buffer> parts_of_answer(std::size_t size) {
    recording_link link;
    byte_buffer body;
    body.resize_uninitialized(size);
    std::ranges::fill(body.span(), std::byte{0});
    body.span().front() = static_cast<std::byte>(op_status::done);
    node::publish_in_parts(link, node::target::agent, 1,
                           node::encode_home(node::message_kind::home_answer, {5, 6}, body.span()));
    return std::move(link.sent);
}

#    define EXPECT_CHILD_ENDS_WELL(statement) EXPECT_EXIT(statement, testing::ExitedWithCode(0), "")

TEST(NodeMemory, a_large_answer_without_memory_leaves_its_status_and_its_ticket) {
    for (const std::size_t more : {std::size_t{0}, std::size_t{5 * mebi - 10}}) {  // the fields are in two parts
        const std::vector<byte_buffer> parts = parts_of_answer(large + more);
        const auto receive = [&] {
            node::part_collector collector;
            leave_memory_for(2);
            for (const byte_buffer& part : parts) {
                const auto whole = collector.add(3, part.span());
                if (whole.has_value() != (&part == &parts.back())) ::_exit(1);
                if (!whole) continue;
                if (!whole->incomplete) ::_exit(2);
                std::span<const std::byte> rest = whole->bytes.span();
                if (node::kind_of(rest) != node::message_kind::home_answer) ::_exit(3);
                const node::home_message m = node::take_home(rest);
                if (m.worker != 5 || m.ticket != 6) ::_exit(4);
                if (status_without_answer(rest) != performed_without_answer) ::_exit(5);
            }
            ::_exit(0);
        };
        EXPECT_CHILD_ENDS_WELL(receive());
    }
}

TEST(NodeMemory, a_sender_without_memory_withdraws_the_parts_that_it_has_sent) {
    const auto send = [] {
        recording_link link;
        byte_buffer whole;
        whole.resize_uninitialized(large);
        leave_memory_for(2);
        try {
            node::publish_in_parts(link, node::target::agent, 1, std::move(whole));
            ::_exit(1);
        } catch (const std::bad_alloc&) {
        }
        if (link.sent.size() < 2) ::_exit(2);
        node::part_collector collector;
        for (const byte_buffer& part : link.sent)
            if (collector.add(3, part.span())) ::_exit(3);
        // The message is forgotten: another one may begin with the same number.
        if (collector.add(3, link.sent.front().span())) ::_exit(4);
        ::_exit(0);
    };
    EXPECT_CHILD_ENDS_WELL(send());
}

TEST(NodeMemory, a_worker_whose_request_is_lost_is_abandoned_or_answered) {
    const auto request = [] {
        recording_link link;
        const auto pool = std::make_shared<recording_pool>();
        node::home_relay relay(link);
        relay.attach(cadre::executor(pool));
        constexpr std::size_t size = std::size_t{1} << 30;
        void* const memory = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (memory == MAP_FAILED) ::_exit(7);
        const std::span<const std::byte> body(static_cast<const std::byte*>(memory), size);
        leave_memory_for(0);
        relay.request(8, 9, body);
        if (!link.sent.empty() || pool->answered != 9 || pool->abandoned != 0) ::_exit(1);
        if (pool->status.outcome != op_status::exhausted) ::_exit(2);
        relay.request(8, 0, body);
        if (!link.sent.empty() || pool->abandoned != 8) ::_exit(3);
        ::_exit(0);
    };
    EXPECT_CHILD_ENDS_WELL(request());
}

}  // namespace

#endif
