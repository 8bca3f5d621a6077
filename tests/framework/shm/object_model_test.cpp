// The life of a shared object as a model, in every interleaving, with a death at every step.

#include <cadre/detail/base/sanitizers.hpp>

#include "models/expect_sound.hpp"
#include "models/object_model.hpp"

#if !defined(CADRE_TSAN)  // the models have a single thread, and leave operations by longjmp
namespace {

void expect_sound(const models::object_model& m) { models::expect_sound(m); }

TEST(object_model, a_name_that_a_dead_process_left) { expect_sound({.sends = false}); }

#    if !defined(CADRE_ASAN)  // the models have no memory of their own to check
TEST(object_model, a_message_keeps_its_object) { expect_sound({.stale = false}); }

TEST(object_model, a_message_and_an_old_name) { expect_sound({.mortal = false}); }
#    endif

}  // namespace
#endif
