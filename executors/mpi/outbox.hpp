/// @file
/// The queue of outgoing messages, in order for each rank, with a bounded number of MPI sends.
#pragma once

#include "mpi/message_kind.hpp"
#include "mpi/plugin/mpi_plugin.hpp"

#include <cadre/detail/base/byte_buffer.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <utility>
#include <vector>

namespace cadre::detail::mpi {

/// Used by the thread that has the turn.
class outbox {
public:
    outbox(const cadre_mpi_functions& mpi, int ranks);

    void add(int to, message_kind kind, byte_buffer body);
    /// Starts and completes sends as far as possible without waiting. @return whether any was started or completed
    bool advance();
    [[nodiscard]] bool empty() const noexcept { return active_.empty(); }

    /// Drops the messages to a lost rank, and all further ones.
    /// @return those of kind `work` of which nothing was sent
    std::vector<byte_buffer> drop(int to);
    /// Ranks to which a send has failed since the last call.
    [[nodiscard]] std::vector<int> take_failed() noexcept { return std::exchange(failed_, {}); }

private:
    struct item {
        message_kind kind;
        byte_buffer body;
        std::size_t started = 0;  // bytes
        std::uint32_t unended = 0;  // sends that MPI has not completed
        bool announced = false;
        large_header header{};
    };
    struct send {
        std::uint64_t request;
        item* of;
    };
    struct destination {
        std::deque<item> items{};  // elements keep their address: MPI reads from them
        std::size_t starting = 0;  // index of the first item that has not been started as a whole
        std::vector<send> sends{};
        bool active = false;
        bool gone = false;
    };

    bool advance(int to);
    bool end_sends(int to);
    void start(int to, item& of, const void* bytes, std::size_t count, message_kind kind);

    static constexpr std::size_t max_sends = 64;
    static constexpr std::size_t max_sends_to_one = 8;

    const cadre_mpi_functions& mpi_;
    std::vector<destination> destinations_;
    std::vector<int> active_{};  // ranks with items
    std::size_t sends_ = 0;
    std::vector<int> failed_{};
};

}  // namespace cadre::detail::mpi
