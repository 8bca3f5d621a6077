// The protocols of the state plane as models, in every interleaving, with a death at every step.

#include <cadre/detail/base/sanitizers.hpp>

#include "models/channel_model.hpp"
#include "models/expect_sound.hpp"
#include "models/lock_model.hpp"

#if !defined(CADRE_TSAN)  // the models have a single thread, and leave operations by longjmp
namespace {

using models::expect_sound;

#    if !defined(CADRE_ASAN)  // the models have no memory of their own to check
TEST(shm_models, one_sender_two_receivers_in_one_cell) {
    expect_sound(models::channel_model{.cells = 1, .first = {0, 2}, .last = {2, 2}, .receivers = 2, .replaced = false});
}

TEST(shm_models, one_sender_two_receivers_in_two_cells) {
    expect_sound(models::channel_model{.cells = 2, .first = {0, 2}, .last = {2, 2}, .receivers = 2});
}

TEST(shm_models, two_senders_one_receiver_in_one_cell) {
    expect_sound(models::channel_model{.cells = 1, .first = {0, 2}, .last = {2, 3}, .receivers = 1});
}

TEST(shm_models, runs_of_one_sender_to_two_receivers_that_live) {
    expect_sound(models::channel_model{.cells = 2, .first = {0, 2}, .last = {2, 2}, .mortal = false, .runs = true});
}

TEST(shm_models, runs_of_one_sender_to_one_receiver) {
    expect_sound(models::channel_model{.cells = 2, .first = {0, 2}, .last = {2, 2}, .receivers = 1, .runs = true});
}

TEST(shm_models, runs_of_two_senders_to_one_receiver) {
    expect_sound(models::channel_model{.cells = 2, .first = {0, 2}, .last = {2, 3}, .receivers = 1, .runs = true});
}

TEST(shm_models, leases_of_two_receivers_in_two_cells) {
    expect_sound(models::channel_model{
        .cells = 2, .first = {0, 2}, .last = {2, 2}, .receivers = 2, .replaced = false, .leases = true});
}

TEST(shm_models, leases_of_two_senders_in_one_cell) {
    expect_sound(models::channel_model{.cells = 1, .first = {0, 2}, .last = {2, 3}, .receivers = 1, .leases = true});
}

TEST(shm_models, a_lease_that_is_sent_again) {
    expect_sound(models::channel_model{
        .cells = 2, .first = {0, 1}, .last = {1, 1}, .receivers = 2, .leases = true, .forwards = true});
}
#    endif

TEST(shm_models, two_senders_one_receiver_in_two_cells) {
    expect_sound(models::channel_model{.cells = 2, .first = {0, 1}, .last = {1, 2}, .receivers = 1});
}

TEST(shm_models, a_lock_of_two_processes) { expect_sound(models::lock_model{.processes = 2, .rounds = 2}); }

TEST(shm_models, a_lock_of_three_processes) { expect_sound(models::lock_model{.processes = 3, .rounds = 1}); }

}  // namespace
#endif
