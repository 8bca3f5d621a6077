// The engine: failures of ranks, and the end of the run.

#include "mpi/init_guard.hpp"
#include "mpi/link_engine.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <string>
#include <utility>

namespace cadre::detail::mpi {

void link_engine::lose(int rank, const std::string& why) {
    peer& lost = peer_at(rank);
    if (std::exchange(lost.gone, true)) return;
    work_->remove(rank);
    work_->add_first(outbox_->drop(rank));
    if (phase_ != phase::running || lost.left) return;
    std::fprintf(stderr, "cadre: mpi: rank %d on %s is lost: %s\n", rank,
                 hosts_[static_cast<std::size_t>(rank)].c_str(), why.c_str());
    if (is_program()) {
        if (std::exchange(lost.joined, false)) events_.agent_gone(static_cast<node::node_id>(rank));
    } else if (rank == 0 && !std::exchange(program_ended_, true)) {
        events_.program_gone();
    }
}

void link_engine::check_failures() {
    next_failure_check_ = clock::now() + std::chrono::milliseconds{50};
    std::vector<int> ranks(peers_.size());
    const int count = mpi_->failed_ranks(ranks.data(), static_cast<int>(ranks.size()));
    reports_failures_ = count >= 0;
    for (int i = 0; i < count; ++i)
        if (const int rank = ranks[static_cast<std::size_t>(i)]; rank >= 0 && rank < size_)
            lose(rank, "MPI reports its failure");
}

// With ULFM a receive from any rank fails until the failed ranks have been queried.
void link_engine::handle_mpi_error(int error) {
    if (reports_failures_) {
        const auto gone = [this] { return std::ranges::count_if(peers_, &peer::gone); };
        const auto before = gone();
        check_failures();
        if (gone() != before) return;
    }
    std::array<char, 512> text{};
    mpi_->error_text(error, text.data(), static_cast<int>(text.size()));
    for (int rank = 0; rank < size_; ++rank)
        if (rank != rank_) lose(rank, std::string("receiving failed: ") + text.data());
}

// Each agent sends `bye` after its last message, and the program then lets all of them finalise: a rank in MPI_Finalize
// uses a whole core until the last one has arrived.
void link_engine::advance_leaving() {
    if (phase_ == phase::running) {
        phase_ = phase::leaving;
        for (int rank = is_program() ? 1 : 0; rank < (is_program() ? size_ : 1); ++rank)
            outbox_->add(rank, is_program() ? message_kind::end : message_kind::bye, {});
        return;
    }
    if (phase_ == phase::leaving) {
        if (is_program() &&
            std::ranges::all_of(peers_.begin() + 1, peers_.end(), [](const peer& p) { return p.left || p.gone; })) {
            phase_ = phase::ending;
            for (int rank = 1; rank < size_; ++rank)
                outbox_->add(rank, message_kind::finalize, {});
            return;
        }
        if (!is_program() && may_finalize_ && outbox_->empty()) {
            phase_ = phase::done;
            return;
        }
        if (!is_program() && peers_.front().gone) {
            phase_ = phase::late;  // no `finalize` will arrive
            return;
        }
    } else if (phase_ == phase::ending && outbox_->empty()) {
        phase_ = phase::done;
        return;
    }
    if (clock::now() >= shared_.deadline) phase_ = phase::late;
}

void link_engine::finalize() noexcept {
    init_guard guard;
    static_cast<void>(mpi_->finalize());
    guard.restore();
    finalized_ = true;
}

void link_engine::report_late() const {
    for (std::size_t rank = 1; is_program() && rank < peers_.size(); ++rank) {
        if (!peers_[rank].left && !peers_[rank].gone) {
            std::fprintf(stderr, "cadre: mpi: rank %zu on %s did not end in time: the launcher must end it\n", rank,
                         hosts_[rank].c_str());
        }
    }
}

}  // namespace cadre::detail::mpi
