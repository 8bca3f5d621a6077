/// @file
/// The functions of a plugin without MPI, for the tests of the parts between the link and MPI.
#pragma once

#include "mpi/plugin/mpi_plugin.hpp"

#include <cadre/detail/base/byte_buffer.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fake_mpi {

struct message {
    int from = 0;
    int tag = 0;
    std::string bytes{};
};

/// A send reads its bytes when it ends, as MPI may do.
struct started_send {
    const void* bytes = nullptr;
    int count = 0;
    int to = 0;
    int tag = 0;
    bool ended = false;
};

struct state {
    std::deque<message> arriving{};
    std::vector<started_send> sends{};  ///< a request is an index
    std::vector<message> sent{};        ///< those that have ended; `from` is the receiver
    bool sends_end = true;
    int failing_rank = -1;  ///< sends to it fail

    [[nodiscard]] std::size_t open_sends() const {
        return static_cast<std::size_t>(std::ranges::count(sends, false, &started_send::ended));
    }
};

inline state now;

inline int isend(const void* bytes, int count, int to, int tag, std::uint64_t* request) {
    if (to == now.failing_rank) return 1;
    *request = now.sends.size();
    now.sends.push_back({bytes, count, to, tag});
    return 0;
}

inline int test(std::uint64_t* request, int* ended) {
    started_send& s = now.sends[*request];
    *ended = now.sends_end ? 1 : 0;
    if (now.sends_end) {
        s.ended = true;
        now.sent.push_back(
            {s.to, s.tag, std::string(static_cast<const char*>(s.bytes), static_cast<std::size_t>(s.count))});
    }
    return 0;
}

inline int iprobe(int* arrived, int* from, int* tag, int* count) {
    *arrived = now.arriving.empty() ? 0 : 1;
    if (!now.arriving.empty()) {
        *from = now.arriving.front().from;
        *tag = now.arriving.front().tag;
        *count = static_cast<int>(now.arriving.front().bytes.size());
    }
    return 0;
}

inline int recv(void* bytes, int count, int, int) {
    std::memcpy(bytes, now.arriving.front().bytes.data(), static_cast<std::size_t>(count));
    now.arriving.pop_front();
    return 0;
}

inline const cadre_mpi_functions functions = [] {
    cadre_mpi_functions f{};
    f.isend = isend;
    f.test = test;
    f.iprobe = iprobe;
    f.recv = recv;
    return f;
}();

inline cadre::detail::byte_buffer buffer_of(std::string_view text) {
    cadre::detail::byte_buffer result;
    result.append(std::as_bytes(std::span(text)));
    return result;
}

inline std::string text_of(const cadre::detail::byte_buffer& bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

template <class T>
std::string bytes_of(const T& value) {
    return {reinterpret_cast<const char*>(&value), sizeof value};
}

}  // namespace fake_mpi
