#include <cadre/detail/call/call_trampoline.hpp>

namespace cadre::detail {

invocation_frame::invocation_frame(invocation& call) {
    info.id = call.id;
    info.name = call.name;
    info.executor = call.executor;
    env.home = call.home;
    env.stop = &call.stop;
    env.info = &info;
}

call_reply exception_reply(const std::exception_ptr& error) noexcept {
    call_reply reply;
    reply.kind = reply_kind::exception;
    try {
        codec_context context;
        encoder out(reply.bytes, &context);
        encode_exception(out, error);
    } catch (...) {
        // Out of memory: an empty reply decodes to `codec_error`.
        reply.bytes.clear();
    }
    return reply;
}

}  // namespace cadre::detail
