// The semaphore of the state plane as a model, in every interleaving, with a death at every step.

#include <cadre/detail/base/sanitizers.hpp>

#include "models/expect_sound.hpp"
#include "models/semaphore_model.hpp"

#if !defined(CADRE_TSAN)  // the model has a single thread, and leaves operations by longjmp
namespace {

using model = models::semaphore_model<>;

void expect_sound(const model& m) { models::expect_sound(m); }

TEST(semaphore_model, two_processes_and_one_permit) { expect_sound({.processes = 2, .rounds = 2, .permits = 1}); }

#    if !defined(CADRE_ASAN)  // the model has no memory of its own to check
TEST(semaphore_model, two_processes_and_two_permits) { expect_sound({.processes = 2, .rounds = 2, .permits = 2}); }

TEST(semaphore_model, several_permits_at_once) {
    expect_sound({.processes = 2, .rounds = 2, .permits = 2, .amount = 2});
    expect_sound({.processes = 2, .rounds = 2, .permits = 3, .amount = 2});
}

TEST(semaphore_model, a_process_that_forgets_its_permits) {
    expect_sound({.processes = 2, .rounds = 2, .permits = 2, .forgets = true});
}

TEST(semaphore_model, two_processes_often) { expect_sound({.processes = 2, .rounds = 3, .permits = 1}); }

TEST(semaphore_model, three_processes_and_one_permit) {
    expect_sound({.processes = 3, .rounds = 1, .permits = 1, .mortal = 1});
}
#    endif

// The number of a note recurs after as many operations of one process during one help; with 22 bits that does not
// occur.
TEST(semaphore_model_fails, with_numbers_that_recur_too_soon) {
    const auto f = models::explore(models::semaphore_model<1>{.processes = 2, .rounds = 3});
    EXPECT_NE(f.violation, "");
}

}  // namespace
#endif
