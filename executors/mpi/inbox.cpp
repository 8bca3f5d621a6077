#include "mpi/inbox.hpp"

#include <utility>

namespace cadre::detail::mpi {

inbox::result inbox::receive() {
    int arrived = 0;
    int tag = 0;
    int count = 0;
    error = mpi_.iprobe(&arrived, &from, &tag, &count);
    if (error != 0) return result::mpi_error;
    if (arrived == 0) return result::nothing;
    if (from < 0 || static_cast<std::size_t>(from) >= assemblies_.size() || count < 0 ||
        static_cast<std::size_t>(count) > piece_size) {
        return result::refused;
    }
    kind = static_cast<message_kind>(tag);
    assembly& large = assemblies_[static_cast<std::size_t>(from)];
    if (kind == message_kind::large) return receive_header(large, static_cast<std::size_t>(count));
    if (kind == message_kind::piece) return receive_piece(large, static_cast<std::size_t>(count));
    if (kind < message_kind::hello || kind > message_kind::finalize || large.active) return result::refused;
    body = byte_buffer();
    body.resize_uninitialized(static_cast<std::size_t>(count));
    error = mpi_.recv(body.data(), count, from, tag);
    return error != 0 ? result::mpi_error : result::message;
}

inbox::result inbox::receive_header(assembly& to, std::size_t count) {
    large_header header{};
    if (count != sizeof header || to.active) return result::refused;
    error = mpi_.recv(&header, sizeof header, from, static_cast<int>(message_kind::large));
    if (error != 0) return result::mpi_error;
    const auto of = static_cast<message_kind>(header.kind);
    if (header.size <= piece_size || header.size > max_body ||
        (of != message_kind::message && of != message_kind::work && of != message_kind::hello)) {
        return result::refused;
    }
    to.body = byte_buffer();
    to.body.resize_uninitialized(header.size);
    to.received = 0;
    to.kind = of;
    to.active = true;
    return result::part;
}

inbox::result inbox::receive_piece(assembly& to, std::size_t count) {
    if (!to.active || count == 0 || count > to.body.size() - to.received) return result::refused;
    error =
        mpi_.recv(to.body.data() + to.received, static_cast<int>(count), from, static_cast<int>(message_kind::piece));
    if (error != 0) return result::mpi_error;
    to.received += count;
    if (to.received < to.body.size()) return result::part;
    kind = to.kind;
    body = std::exchange(to.body, byte_buffer());
    to.active = false;
    return result::message;
}

}  // namespace cadre::detail::mpi
