#include "attack.hpp"

#include "process/plane/call_memory.hpp"
#include "process/plane/nested_header.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <span>
#include <string>
#include <vector>

#include <csignal>
#include <fcntl.h>
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace cadre::soak {
namespace {

using namespace std::chrono_literals;
using namespace detail::process_plane;
using clock_type = std::chrono::steady_clock;

// Its numbers have 32 bits, in every standard library.
class generator {
public:
    explicit generator(unsigned seed) : engine_(seed) {}
    std::uint32_t operator()() { return static_cast<std::uint32_t>(engine_()); }

private:
    std::minstd_rand engine_;
};

// The memory that this process shares with others and may write.
struct shared_memory {
    std::span<std::byte> bytes;
    bool calls;  // a call memory; else the state region
};

std::vector<shared_memory> find_shared_memory() {
    std::vector<shared_memory> found;
    std::FILE* const maps = std::fopen("/proc/self/maps", "r");
    if (maps == nullptr) return found;
    char line[512];
    while (std::fgets(line, sizeof line, maps) != nullptr) {
        unsigned long begin = 0;
        unsigned long end = 0;
        char rights[8] = {};
        if (std::sscanf(line, "%lx-%lx %7s", &begin, &end, rights) != 3 || std::strcmp(rights, "rw-s") != 0) continue;
        if (std::strstr(line, "memfd:") == nullptr) continue;
        found.push_back({{reinterpret_cast<std::byte*>(begin), end - begin}, std::strstr(line, "calls") != nullptr});
    }
    std::fclose(maps);
    return found;
}

std::vector<int> descriptors() {
    std::vector<int> all;
    for (int fd = 0; fd < 1024; ++fd)
        if (::fcntl(fd, F_GETFD) >= 0) all.push_back(fd);
    return all;
}

// The parts of `memory` that have pages: reading and writing a hole would only take memory.
std::vector<std::span<std::byte>> populated(const shared_memory& memory) {
    constexpr std::size_t chunk = std::size_t{1} << 20;
    constexpr std::size_t page = 4096;
    std::vector<std::span<std::byte>> parts;
    std::size_t searched = 0;
    for (std::size_t at = 0; at < memory.bytes.size() && searched < 512; at += chunk, ++searched) {
        std::array<unsigned char, chunk / page> in_core{};
        const std::size_t size = std::min(chunk, memory.bytes.size() - at);
        if (::mincore(memory.bytes.data() + at, size, in_core.data()) != 0) break;
        for (std::size_t p = 0; p < size / page; ++p)
            if ((in_core[p] & 1) != 0) parts.push_back(memory.bytes.subspan(at + p * page, page));
    }
    return parts;
}

std::uint64_t bits(generator& random) {
    return std::uint64_t{random()} << 33 ^ std::uint64_t{random()} << 16 ^ random();
}

// A new value for a word, more often a likely one than noise.
std::uint64_t spoil(std::uint64_t word, std::uint64_t other, unsigned how, generator& random) {
    switch (how) {
        case 0: return bits(random);
        case 1: return 0;
        case 2: return ~std::uint64_t{0};
        case 3: return word ^ (std::uint64_t{1} << (random() % 64));
        case 4: return word + random() % 5 - 2;
        case 5: return other;
        default: return random() % 64;
    }
}

void scribble(generator& random) {
    const auto memories = find_shared_memory();
    const unsigned how = random() % 7;
    const unsigned one_in = std::array{1u, 3u, 50u, 1000u}[random() % 4];
    for (const shared_memory& memory : memories)
        for (const std::span<std::byte> part : populated(memory)) {
            auto* const words = reinterpret_cast<std::atomic<std::uint64_t>*>(part.data());
            const std::size_t count = part.size() / sizeof(std::uint64_t);
            for (std::size_t i = 0; i < count; ++i) {
                if (one_in != 1 && random() % one_in != 0) continue;
                words[i].store(spoil(words[i].load(), words[random() % count].load(), how, random));
            }
        }
}

call_memory::layout* calls() {
    for (const shared_memory& memory : find_shared_memory())
        if (memory.calls) return reinterpret_cast<call_memory::layout*>(memory.bytes.data());
    return nullptr;
}

// Events of every kind, with the bodies, tickets and counts that a worker could send, and with others.
void flood_events(generator& random, clock_type::time_point end) {
    call_memory::layout* const m = calls();
    if (m == nullptr) return;
    const unsigned only = random() % 3 == 0 ? 1 + random() % 20 : 0;
    std::vector<std::uint64_t> tickets{0, 1, ~std::uint64_t{0}, std::uint64_t{1} << 32};
    for (slot& s : m->requests) {
        request q;
        read_payload(s, q);
        if (s.word.load() != 0) tickets.push_back(q.ticket);
    }
    while (clock_type::now() < end) {
        const std::uint64_t begin = m->control.events_consumed.load();
        for (std::uint64_t at = begin; at < begin + event_slots; ++at) {
            event e{};
            for (std::byte& b : e.body)
                b = static_cast<std::byte>(random() % 3 == 0 ? random() : 0);
            e.kind = static_cast<event_kind>(only != 0 ? only : 1 + random() % 20);
            e.id = random() % 8 == 0 ? bits(random) : tickets[random() % tickets.size()];
            e.items = random() % 4 == 0 ? static_cast<std::uint32_t>(random()) : random() % 3;
            e.flags = static_cast<std::uint8_t>(random() % 4);
            e.inline_size = static_cast<std::uint8_t>(random() % 40);
            e.nanoseconds = static_cast<std::uint32_t>(random());
            if ((e.flags & event::external) != 0 && random() % 2 == 0) {
                const block b{(call_memory::parent_area + call_memory::area_size_for(1)) + random() % 4096 * 64,
                              std::uint64_t{1} << random() % 23};
                std::memcpy(e.body, &b, sizeof b);
            }
            slot& s = m->events[at % event_slots];
            write_payload(s, e);
            s.word.store(slot_word(at, slot_state::queued));
        }
        m->control.events_blocked.store(1);
    }
}

// Rings everything without a pause, or takes what others are rung with, or writes garbage.
void use_descriptors(generator& random, clock_type::time_point end) {
    const unsigned how = random() % 3;
    const auto all = descriptors();
    for (const int fd : all)
        if (how == 2 && (::fcntl(fd, F_GETFL) & O_NONBLOCK) == 0)
            ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
    std::array<std::byte, 64> garbage;
    for (std::byte& b : garbage)
        b = static_cast<std::byte>(random());
    while (clock_type::now() < end)
        for (const int fd : all) {
            const bool waits = (::fcntl(fd, F_GETFL) & O_NONBLOCK) == 0;
            if (waits && fd > 2) continue;
            const std::uint64_t one = random() % 100 == 0 ? ~std::uint64_t{0} - 1 : 1;
            ssize_t ignored = 0;
            if (how != 1 && fd != 0) ignored += ::write(fd, &one, sizeof one);
            if (how == 2 && fd != 0) ignored += ::write(fd, garbage.data(), garbage.size());
            if (how != 0) ignored += ::read(fd, garbage.data(), garbage.size());
            static_cast<void>(ignored);
        }
}

// Maps every descriptor that can be mapped, writable if it can be written, and writes there.
void map_descriptors(generator& random) {
    for (const int fd : descriptors()) {
        constexpr std::size_t size = std::size_t{16} * 4096;
        void* const at = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (at == MAP_FAILED) continue;
        if (::lseek(fd, 0, SEEK_END) >= static_cast<off_t>(size))
            for (std::size_t i = 0; i < size / 8; ++i)
                static_cast<std::uint64_t*>(at)[i] = bits(random);
        ::munmap(at, size);
        ::fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, static_cast<off_t>(size));
        static_cast<void>(!::ftruncate(fd, 0));
    }
}

void flood_nested_calls(generator& random, clock_type::time_point end) {
    call_memory::layout* const m = calls();
    if (m == nullptr) return;
    nested_header h{};
    h.items = 1 + random() % 3;
    h.retries = static_cast<std::int32_t>(random());
    h.priority = static_cast<std::int32_t>(random());
    h.timeout = static_cast<std::int64_t>(bits(random));
    h.name_size = random() % 20;
    const block b{(call_memory::parent_area + call_memory::area_size_for(1)) + (std::uint64_t{32} << 20),
                  sizeof h + (random() % 4 << (4 * (random() % 5)))};
    auto* const to = reinterpret_cast<std::byte*>(m) + b.offset;
    std::memset(to, 'n', b.size);
    std::memcpy(to, &h, sizeof h);
    event e{};
    e.kind = event_kind::nested_call;
    e.flags = event::external;
    std::memcpy(e.body, &b, sizeof b);
    for (std::uint64_t at = m->control.events_consumed.load(); clock_type::now() < end; ++at) {
        while (at - m->control.events_consumed.load() >= event_slots && clock_type::now() < end)
            ::sched_yield();
        e.id = at;
        slot& s = m->events[at % event_slots];
        write_payload(s, e);
        s.word.store(slot_word(at, slot_state::queued));
    }
}

void flood_output(clock_type::time_point end) {
    const std::string line(4000, 'x');
    while (clock_type::now() < end)
        std::fprintf(stderr, "%s\n", line.c_str());
}

void ring_parent(clock_type::time_point end) {
    while (clock_type::now() < end)
        for (const shared_memory& memory : find_shared_memory())
            if (memory.calls)
                ::syscall(SYS_futex, &reinterpret_cast<call_memory::layout*>(memory.bytes.data())->control.command_bell,
                          FUTEX_WAKE, 1, nullptr, nullptr, 0);
}

}  // namespace

int attack(unsigned seed) {
    generator random(seed * 7919 + 1);
    const auto end = clock_type::now() + 80ms;
    for (unsigned blows = 1 + random() % 3; blows != 0; --blows) {
        switch (random() % 8) {
            case 0:
            case 1: scribble(random); break;
            case 2: flood_events(random, end); break;
            case 3: use_descriptors(random, end); break;
            case 4: map_descriptors(random); break;
            case 5: flood_nested_calls(random, end); break;
            case 6: flood_output(end); break;
            default: ring_parent(end); scribble(random);
        }
    }
    switch (random() % 4) {
        case 0: return static_cast<int>(seed);
        case 1: ::raise(SIGSEGV); break;
        case 2: ::_exit(static_cast<int>(random() % 256));
        default: break;
    }
    for (;;)
        asm volatile("");
}

}  // namespace cadre::soak
