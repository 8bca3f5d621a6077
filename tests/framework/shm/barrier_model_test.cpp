// The barrier and its waits as a model, in every interleaving, with a death at every step.

#include <cadre/detail/base/sanitizers.hpp>

#include "models/barrier_model.hpp"
#include "models/expect_sound.hpp"

#if !defined(CADRE_TSAN)  // the models have a single thread, and leave operations by longjmp
namespace {

void expect_sound(const models::barrier_model& m) { models::expect_sound(m); }

TEST(barrier_model, two_participants) {
    for (const bool mortal : {false, true})
        for (const bool action : {false, true})
            expect_sound({.processes = 2, .phases = 3, .action = action, .mortal = mortal});
}

TEST(barrier_model, waits_that_are_cancelled) {
    for (const bool mortal : {false, true})
        for (const bool action : {false, true})
            expect_sound({.processes = 2, .phases = 2, .action = action, .mortal = mortal, .cancels = true});
}

#    if !defined(CADRE_ASAN)  // the models have no memory of their own to check
TEST(barrier_model, three_participants) {
    for (const bool mortal : {false, true})
        for (const bool action : {false, true})
            expect_sound({.processes = 3, .phases = 2, .action = action, .mortal = mortal});
}
#    endif

}  // namespace
#endif
