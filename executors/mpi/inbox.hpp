/// @file
/// Receives messages and assembles large bodies.
#pragma once

#include "mpi/message_kind.hpp"
#include "mpi/plugin/mpi_plugin.hpp"

#include <cadre/detail/base/byte_buffer.hpp>

#include <cstdint>
#include <vector>

namespace cadre::detail::mpi {

/// Used by the thread that has the turn.
class inbox {
public:
    enum class result : std::uint8_t {
        nothing,
        part,      ///< of a large body
        message,   ///< `from`, `kind` and `body` are set
        refused,   ///< the message of `from` violates the protocol
        mpi_error  ///< `error` is set
    };

    inbox(const cadre_mpi_functions& mpi, int ranks) : mpi_(mpi), assemblies_(static_cast<std::size_t>(ranks)) {}

    /// Receives at most one message of MPI. @throws std::bad_alloc
    result receive();

    int from = 0;
    message_kind kind{};
    byte_buffer body{};
    int error = 0;

private:
    // The large body of a rank, while its pieces arrive.
    struct assembly {
        byte_buffer body{};
        std::size_t received = 0;
        message_kind kind{};
        bool active = false;
    };

    result receive_header(assembly& to, std::size_t count);
    result receive_piece(assembly& to, std::size_t count);

    const cadre_mpi_functions& mpi_;
    std::vector<assembly> assemblies_;
};

}  // namespace cadre::detail::mpi
