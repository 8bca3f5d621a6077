// The shared lock and the condition variable of the state plane as models, in every interleaving, with a death at every
// step.

#include <cadre/detail/base/sanitizers.hpp>

#include "models/condition_model.hpp"
#include "models/expect_sound.hpp"
#include "models/shared_lock_model.hpp"

#if !defined(CADRE_TSAN)  // the models have a single thread, and leave operations by longjmp
namespace {

void expect_sound(const models::shared_lock_model& m) { models::expect_sound(m); }
void expect_sound(const models::condition_model& m) { models::expect_sound(m); }

TEST(shared_lock_model, an_owner_and_a_sharer) { expect_sound({.processes = 2, .owners = 1, .rounds = 2}); }

TEST(condition_model, two_waiters_and_one_notification) { expect_sound({.waiters = 2, .notifications = 1}); }

#    if !defined(CADRE_ASAN)  // the models have no memory of their own to check
TEST(shared_lock_model, two_owners) { expect_sound({.processes = 2, .owners = 2, .rounds = 2}); }

TEST(shared_lock_model, an_owner_and_two_sharers) { expect_sound({.processes = 3, .owners = 1, .rounds = 1}); }

TEST(shared_lock_model, two_owners_and_a_sharer) { expect_sound({.processes = 3, .owners = 2, .rounds = 1}); }

TEST(condition_model, two_waiters_and_two_notifications) { expect_sound({.waiters = 2, .notifications = 2}); }

TEST(condition_model, every_waiter_that_is_notified_continues) { expect_sound({.waiters = 2, .cancels = false}); }
#    endif

}  // namespace
#endif
