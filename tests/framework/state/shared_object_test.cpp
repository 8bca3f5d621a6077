// A shared object: an operation that is tried may itself request a retry, while other threads serve and park.
#include <atomic>
#include <coroutine>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include <cadre/detail/state/memory_domain.hpp>

namespace {

using cadre::detail::op_status;
using cadre::detail::shared_object;

class object final : public shared_object {
public:
    void encode(cadre::detail::encoder& /*out*/) const override {}

private:
    void interest(unsigned /*q*/, bool /*on*/) noexcept override {}
};

op_status retry_and_succeed(shared_object::pending_operation& p) noexcept {
    p.object->retry_waiters();
    return op_status::done;
}

TEST(shared_object, an_operation_may_request_a_retry_while_other_threads_serve) {
    object o;
    std::atomic<bool> over{false};
    std::vector<std::thread> serving;
    for (int i = 0; i < 2; ++i)
        serving.emplace_back([&] {
            while (!over.load())
                o.retry_waiters();
        });
    std::vector<std::thread> parking;
    for (int i = 0; i < 2; ++i)
        parking.emplace_back([&] {
            for (int n = 0; n < 100'000; ++n) {
                shared_object::pending_operation p;
                p.try_now = &retry_and_succeed;
                p.prepare(std::noop_coroutine(), nullptr, nullptr);
                EXPECT_FALSE(o.park(p));
            }
        });
    for (std::thread& t : parking)
        t.join();
    over.store(true);
    for (std::thread& t : serving)
        t.join();
}

}  // namespace
