#include "mpi/outbox.hpp"

#include <algorithm>

namespace cadre::detail::mpi {

outbox::outbox(const cadre_mpi_functions& mpi, int ranks) : mpi_(mpi), destinations_(static_cast<std::size_t>(ranks)) {}

void outbox::add(int to, message_kind kind, byte_buffer body) {
    destination& d = destinations_[static_cast<std::size_t>(to)];
    if (d.gone) return;
    d.items.push_back({.kind = kind, .body = std::move(body)});
    if (!d.active) {
        d.active = true;
        active_.push_back(to);
    }
}

bool outbox::advance() {
    bool moved = false;
    for (std::size_t i = 0; i < active_.size();) {
        const int to = active_[i];
        moved = advance(to) || moved;
        destination& d = destinations_[static_cast<std::size_t>(to)];
        if (d.items.empty()) {
            d.active = false;
            active_[i] = active_.back();
            active_.pop_back();
        } else {
            ++i;
        }
    }
    // The next call starts with another rank, so that the common bound starves none.
    if (active_.size() > 1) std::swap(active_.front(), active_.back());
    return moved;
}

bool outbox::advance(int to) {
    destination& d = destinations_[static_cast<std::size_t>(to)];
    bool moved = end_sends(to);
    while (d.starting < d.items.size() && sends_ < max_sends && d.sends.size() < max_sends_to_one) {
        item& next = d.items[d.starting];
        moved = true;
        if (next.body.size() <= piece_size) {
            next.started = next.body.size();
            ++d.starting;
            start(to, next, next.body.data(), next.body.size(), next.kind);
        } else if (!next.announced) {
            next.announced = true;
            next.header = {.size = next.body.size(), .kind = static_cast<std::uint64_t>(next.kind)};
            start(to, next, &next.header, sizeof next.header, message_kind::large);
        } else {
            const std::size_t at = next.started;
            const std::size_t count = std::min(piece_size, next.body.size() - at);
            next.started += count;
            if (next.started == next.body.size()) ++d.starting;
            start(to, next, next.body.data() + at, count, message_kind::piece);
        }
        while (d.starting > 0 && d.items.front().unended == 0) {
            d.items.pop_front();
            --d.starting;
        }
    }
    return moved;
}

bool outbox::end_sends(int to) {
    destination& d = destinations_[static_cast<std::size_t>(to)];
    const std::size_t ended = std::erase_if(d.sends, [&](send& s) {
        int done = 0;
        if (mpi_.test(&s.request, &done) != 0) {
            failed_.push_back(to);
            done = 1;
        }
        s.of->unended -= done != 0 ? 1 : 0;
        return done != 0;
    });
    sends_ -= ended;
    while (d.starting > 0 && d.items.front().unended == 0) {
        d.items.pop_front();
        --d.starting;
    }
    return ended != 0;
}

// The send of a small message usually completes immediately.
void outbox::start(int to, item& of, const void* bytes, std::size_t count, message_kind kind) {
    send made{.request = 0, .of = &of};
    int done = 0;
    if (mpi_.isend(bytes, static_cast<int>(count), to, static_cast<int>(kind), &made.request) != 0 ||
        mpi_.test(&made.request, &done) != 0) {
        failed_.push_back(to);
        return;
    }
    if (done == 0) {
        ++of.unended;
        destinations_[static_cast<std::size_t>(to)].sends.push_back(made);
        ++sends_;
    }
}

std::vector<byte_buffer> outbox::drop(int to) {
    destination& d = destinations_[static_cast<std::size_t>(to)];
    d.gone = true;
    std::vector<byte_buffer> untouched;
    while (!d.items.empty() && d.items.back().started == 0 && !d.items.back().announced &&
           d.items.back().unended == 0 && d.items.size() > d.starting) {
        if (d.items.back().kind == message_kind::work) untouched.push_back(std::move(d.items.back().body));
        d.items.pop_back();
    }
    std::ranges::reverse(untouched);
    // Items that have been started stay until MPI completes their sends.
    d.starting = d.items.size();
    return untouched;
}

}  // namespace cadre::detail::mpi
