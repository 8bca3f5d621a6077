#include "node/raw_results.hpp"

#include <cadre/detail/codec/codec_stream.hpp>

#include <cstring>

namespace cadre::detail::node {

void put_raw_results(const portable_call& call, std::uint32_t items, call_reply& reply) {
    if (!call.raw.enabled || reply.kind == reply_kind::exception) return;
    const bool all = reply.kind == reply_kind::value;
    byte_buffer& results = all ? reply.bytes : reply.partial;
    const std::uint32_t done = all ? items : reply.items_done;
    if (done > items || results.size() != std::uint64_t{done} * call.raw.result_size)
        throw_malformed("the results of a chunk have another size");
    // The reply of a chunk of one item is decoded by its caller.
    if (call.raw.results == nullptr || results.empty()) return;
    std::memcpy(call.raw.results, results.data(), results.size());
    results.clear();
}

}  // namespace cadre::detail::node
