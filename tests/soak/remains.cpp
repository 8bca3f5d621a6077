#include "remains.hpp"

#include "processes.hpp"

#include "shm/blocks.hpp"
#include "shm/object_ref.hpp"
#include "shm/state_plane.hpp"

#include <chrono>
#include <iostream>
#include <string>
#include <thread>

namespace cadre::soak {
namespace {

namespace shm = detail::shm;
using namespace std::chrono_literals;

// Calls that were dropped and workers that leave end in the background.
template <class Done>
bool soon(Done done) {
    const auto end = std::chrono::steady_clock::now() + 20s;
    while (!done())
        if (std::chrono::steady_clock::now() > end)
            return false;
        else
            std::this_thread::sleep_for(10ms);
    return true;
}

bool no_more(const remains& now, const remains& before) {
    return now.descriptors <= before.descriptors && now.blocks <= before.blocks && now.objects <= before.objects &&
           now.processes <= before.processes;
}

std::string text_of(const remains& r) {
    return std::to_string(r.descriptors) + " descriptors, " + std::to_string(r.blocks) + " blocks, " +
           std::to_string(r.objects) + " objects, " + std::to_string(r.processes) + " process slots";
}

}  // namespace

remains count_remains() {
    remains r;
    r.descriptors = open_descriptors();
    shm::state_plane* const plane = shm::state_plane::program();
    if (plane == nullptr) return r;
    const shm::region& memory = plane->memory();
    for (unsigned slot = 0; slot != memory.slots(); ++slot) {
        if (plane->processes().state(slot) != shm::slot_state::free) ++r.processes;
        shm::for_each_block(memory, slot, [&](const shm::block_location& b) {
            if (shm::holder_of(memory, b.offset).load() != shm::nobody) ++r.blocks;
        });
        const std::uint64_t used = memory.arena(slot).objects_used.load();
        for (std::uint64_t i = 0; i != used; ++i)
            if (shm::object_word(memory.object(slot, i).state.load()).phase() != shm::object_phase::free) ++r.objects;
    }
    return r;
}

void check_remains(const remains& before, ledger& book) {
    remains now;
    const bool gone = soon([&] { return no_more(now = count_remains(), before); });
    std::cout << "  held before: " << text_of(before) << "; after: " << text_of(now) << std::endl;
    if (!gone) book.fault("something is still held");
}

}  // namespace cadre::soak
