// What a worker is given by an operation whose answer gets lost on its way goes back, and nothing else.

#include "framework/state/home_service_fixture.hpp"
#include "state/remote_cell.hpp"
#include "state/remote_domain.hpp"
#include "state/remote_locks.hpp"

#include <cadre/async_semaphore.hpp>
#include <cadre/detail/coroutine/environment.hpp>
#include <cadre/detail/state/channel_operations.hpp>
#include <cadre/detail/state/lock_operation.hpp>
#include <cadre/executor_backend.hpp>

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <utility>

namespace {

using namespace cadre::detail;

/// A worker's way to the home, which is in this process. Memory is missing on the way back if a test says so.
class short_way final : public home_transport, public home_answers {
public:
    void send(std::span<const std::span<const std::byte>> request, receiver* to) noexcept override {
        byte_buffer whole;
        for (const auto& part : request)
            whole.append(part);
        if (to != nullptr) receivers_[to->ticket = ++last_ticket_] = to;
        service->request(client, to != nullptr ? last_ticket_ : 0, whole.span());
    }
    void stop(std::uint64_t ticket) noexcept override { service->stop(client, ticket); }
    void wait(const std::atomic<bool>& done) noexcept override { EXPECT_TRUE(done) << "the home answers at once"; }

    void answer(home_client to, std::uint64_t ticket, byte_buffer answer) noexcept override {
        if (to == other) {
            last_of_other = static_cast<op_status>(answer.span().front());
            return;
        }
        const auto found = receivers_.find(ticket);
        ASSERT_NE(found, receivers_.end()) << "a request is answered once";
        receiver* const waiting = found->second;
        receivers_.erase(found);
        const std::byte status = status_without_answer(answer.span());
        waiting->answered(loses_answers ? std::span(&status, 1) : std::span<const std::byte>(answer.span()));
    }

    home_service* service = nullptr;
    bool loses_answers = false;
    op_status last_of_other{};
    const home_client client{1, 7};
    const home_client other{2, 7};

private:
    std::uint64_t last_ticket_ = 0;
    std::map<std::uint64_t, receiver*> receivers_;
};

/// Resumes what waits at once.
class immediate_home final : public cadre::executor_backend {
public:
    [[nodiscard]] cadre::executor_kind kind() const noexcept override { return cadre::executor_kind::custom; }
    [[nodiscard]] std::size_t concurrency() const noexcept override { return 1; }
    [[nodiscard]] std::string name() const override { return "immediate"; }
    void submit(std::span<cadre::work_item* const> items) noexcept override {
        for (cadre::work_item* const each : items)
            each->run(each);
    }
};

template <class Wait>
struct waiting : Wait {
    /// @return how the wait has ended; `would_block`: it has not
    op_status begin(shared_object& on, environment& resumed_in) {
        this->object = &on;
        this->prepare(nullptr, &resumed_in, nullptr);
        this->run = [](cadre::work_item*) noexcept {};
        if (on.park(*this)) static_cast<void>(this->commit());
        return this->outcome;
    }
};

class RemoteObjects : public testing::Test {
protected:
    RemoteObjects() { way.service = &service; }

    /// What a worker of another host gets when it tries the same.
    op_status tried_by_other(home_op op, home_number number, std::uint64_t value = 0) {
        byte_buffer request;
        put(request, op);
        put(request, number);
        put(request, value);
        service.request(way.other, ++tickets_of_other_, request.span());
        return way.last_of_other;
    }
    void told_by_other(home_op op, home_number number, std::uint64_t value) {
        byte_buffer request;
        put(request, op);
        put(request, number);
        put(request, value);
        service.request(way.other, 0, request.span());
    }
    template <class Object>
    static home_number number_of(const std::shared_ptr<Object>& object) {
        return dynamic_cast<remote_object&>(*object).number();
    }

    short_way way;
    home_service service{std::make_shared<home_domain>(executor_identity{1, 2}), way, home_limits::of_this_machine()};
    std::shared_ptr<remote_domain> domain = std::make_shared<remote_domain>(executor_identity{1, 2}, way);
    immediate_home home;
    environment env{.home = &home};
    bool owner_died = false;

private:
    std::uint64_t tickets_of_other_ = 1'000;
};

TEST_F(RemoteObjects, a_reader_whose_answer_is_lost_does_not_hold_the_lock) {
    const auto lock = domain->make_shared_lock();
    waiting<lock_wait> reader;
    reader.try_now = &lock_wait::retry<lock_mode::shared>;
    way.loses_answers = true;
    EXPECT_EQ(reader.begin(*lock, env), op_status::exhausted);
    EXPECT_EQ(lock->try_lock_shared(owner_died), op_status::exhausted);
    EXPECT_EQ(tried_by_other(home_op::try_lock, number_of(lock)), op_status::done);
}

TEST_F(RemoteObjects, a_reader_keeps_its_lock_when_another_gets_no_answer) {
    const auto lock = domain->make_shared_lock();
    ASSERT_EQ(lock->try_lock_shared(owner_died), op_status::done);
    way.loses_answers = true;
    EXPECT_EQ(lock->try_lock_shared(owner_died), op_status::exhausted);
    EXPECT_EQ(tried_by_other(home_op::try_lock, number_of(lock)), op_status::would_block);
    lock->unlock_shared();
    EXPECT_EQ(tried_by_other(home_op::try_lock, number_of(lock)), op_status::done);
}

TEST_F(RemoteObjects, a_writer_whose_answer_is_lost_does_not_hold_the_lock) {
    const auto lock = domain->make_shared_lock();
    waiting<lock_wait> writer;
    writer.try_now = &lock_wait::retry<lock_mode::exclusive>;
    way.loses_answers = true;
    EXPECT_EQ(writer.begin(*lock, env), op_status::exhausted);
    EXPECT_EQ(lock->try_lock(owner_died), op_status::exhausted);
    EXPECT_EQ(tried_by_other(home_op::try_lock, number_of(lock)), op_status::done);
}

TEST_F(RemoteObjects, an_owner_whose_answer_is_lost_does_not_hold_the_lock) {
    const auto lock = domain->make_lock();
    const auto cell = domain->make_cell(100, 1);
    for (const auto& [object, number] : {std::pair(lock, number_of(lock)), std::pair(cell->lock(), number_of(cell))}) {
        waiting<lock_wait> owner;
        owner.try_now = &lock_wait::retry<lock_mode::simple>;
        way.loses_answers = true;
        EXPECT_EQ(owner.begin(*object, env), op_status::exhausted);
        EXPECT_EQ(object->try_lock(owner_died), op_status::exhausted);
        way.loses_answers = false;
        EXPECT_EQ(tried_by_other(home_op::try_lock, number), op_status::done);
    }
}

TEST_F(RemoteObjects, an_owner_keeps_its_lock_when_it_gets_no_second_one) {
    const auto lock = domain->make_lock();
    ASSERT_EQ(lock->try_lock(owner_died), op_status::done);
    way.loses_answers = true;
    EXPECT_EQ(lock->try_lock(owner_died), op_status::would_block) << "an answer of one byte is whole";
    EXPECT_EQ(tried_by_other(home_op::try_lock, number_of(lock)), op_status::would_block);
}

TEST_F(RemoteObjects, a_message_whose_answer_is_lost_goes_back) {
    const auto channel = domain->make_channel(2);
    const std::array message{std::byte{1}, std::byte{2}};
    ASSERT_EQ(channel->try_send(message, false), op_status::done);
    waiting<message_wait> receiver;
    receiver.try_now = &message_wait::try_receive;
    byte_buffer into;
    way.loses_answers = true;
    EXPECT_EQ(receiver.begin(*channel, env), op_status::exhausted);
    EXPECT_EQ(channel->try_receive(into, nullptr), op_status::exhausted);
    way.loses_answers = false;
    EXPECT_EQ(channel->try_receive(into, nullptr), op_status::done);
    EXPECT_EQ(into.size(), message.size());
}

TEST_F(RemoteObjects, what_has_no_rest_arrives_although_memory_is_missing) {
    const auto semaphore = domain->make_semaphore(3);
    const auto condition = domain->make_condition();
    way.loses_answers = true;
    waiting<permit_wait> acquires;
    acquires.count = 2;
    EXPECT_EQ(acquires.begin(*semaphore, env), op_status::done);
    EXPECT_EQ(semaphore->try_acquire(1), op_status::done);
    EXPECT_EQ(tried_by_other(home_op::try_acquire, number_of(semaphore), 1), op_status::would_block);
    semaphore->give_back(3);
    EXPECT_EQ(tried_by_other(home_op::try_acquire, number_of(semaphore), 3), op_status::done);

    waiting<shared_object::pending_operation> notified;
    EXPECT_EQ(notified.begin(*condition, env), op_status::would_block);
    told_by_other(home_op::notify_waiters, number_of(condition), 1);
    EXPECT_EQ(notified.outcome, op_status::done);
}

// The sum of what all hold is the number of permits that exist.
TEST_F(RemoteObjects, no_worker_holds_more_permits_than_can_exist) {
    const auto semaphore = domain->make_semaphore(0xffff'ffffu);
    EXPECT_EQ(semaphore->try_acquire(0xffff'ffffu), op_status::done);
    EXPECT_FALSE(semaphore->release(1));
    service.ended(way.client);
    EXPECT_EQ(tried_by_other(home_op::available, number_of(semaphore)), op_status::broken) << "it was the last handle";
}

}  // namespace
