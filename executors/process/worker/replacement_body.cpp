#include "process/worker/replacement_body.hpp"

#include "process/plane/call_memory.hpp"
#include "process/plane/nested_header.hpp"

#include <cadre/detail/call/chunk_runner.hpp>
#include <cadre/detail/codec/exception_codec.hpp>

#include <algorithm>
#include <cstring>
#include <exception>
#include <new>

namespace cadre::detail::process_worker {

using process_plane::event;
using process_plane::event_kind;
using process_plane::nested_header;

namespace {

constexpr std::size_t max_text = 4096;

std::exception_ptr no_room(std::uint64_t size) {
    return size > process_plane::max_message ? process_plane::too_large("the result of a call", size)
                                             : std::make_exception_ptr(std::bad_alloc());
}

}  // namespace

byte_buffer replacement_body(event& e, std::span<const std::span<const std::byte>> body, std::uint64_t size) {
    byte_buffer replacement;
    encoder out(replacement);
    switch (e.kind) {
        case event_kind::committed:  // of one item: those of several are small
            out.write_byte(static_cast<std::uint8_t>(item_result::error));
            [[fallthrough]];
        case event_kind::item_failed:
            encode_this_worker(out);
            encode_exception(out, no_room(size));
            break;
        case event_kind::nested_call: {
            nested_header h;
            std::memcpy(&h, body.front().data(), sizeof h);
            h.name_size = 0;
            replacement.append(std::as_bytes(std::span(&h, 1)));
            e.flags = static_cast<std::uint8_t>(e.flags | event::out_of_memory);
            break;
        }
        case event_kind::tasks:
        case event_kind::rejected:
            replacement.append(body.front().first(std::min(body.front().size(), max_text)));
            break;
        case event_kind::start_failed: encode_exception(out, no_room(size)); break;
        default: e.kind = event_kind::exception; encode_exception(out, no_room(size));
    }
    return replacement;
}

}  // namespace cadre::detail::process_worker
