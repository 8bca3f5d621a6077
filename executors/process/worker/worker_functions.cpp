#include "process/worker/worker_functions.hpp"

#include <cadre/detail/codec/codec_stream.hpp>
#include <cadre/detail/codec/function_identity.hpp>

namespace cadre::detail::process_worker {

worker_functions::function& worker_functions::find(std::uint16_t number) {
    if (number >= functions_.size()) functions_.resize(number + std::size_t{1});
    function& f = functions_[number];
    if (f.entry == nullptr) {
        const process_plane::function_slot& slot = table_[number];
        decoder in(std::span(slot.bytes, slot.size));
        // The identity of a function is its address, which travels as that of an object.
        f.entry = reinterpret_cast<call_entry>(reinterpret_cast<std::uintptr_t>(resolve_function(decode_function(in))));
    }
    return f;
}

}  // namespace cadre::detail::process_worker
