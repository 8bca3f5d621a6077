// Handles that reach another program, through a remote backend of the user's own: they are refused, and never name what
// happens to have the same place there.

#include "framework/call/fake_remote.hpp"
#include "support.hpp"

#include <cadre/channel.hpp>
#include <cadre/detail/base/sanitizers.hpp>
#include <cadre/detail/codec/codec.hpp>
#include <cadre/errors.hpp>
#include <cadre/job.hpp>

#include <gtest/gtest.h>

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include <sys/wait.h>

namespace {

using namespace cadre::process_tests;
using cadre::executor;
using cadre::process_executor;

int take_one(cadre::channel<int> from, executor on) {
    return from.try_receive().value_or(-1) + static_cast<int>(on.concurrency());
}

/// The other program: it has an executor of its own, and a channel in the same place, with messages.
int receive_there(std::span<const std::byte> arguments) {
    const executor ex = process_executor{{.workers = 1}};
    cadre::channel<int> own(ex, 4);
    if (!own.try_send(42)) return 2;
    cadre::detail::codec_context context;
    cadre::detail::decoder in(arguments, &context);
    (void)cadre::detail::decode<int (*)(cadre::channel<int>, executor)>(in);
    try {
        (void)cadre::detail::decode<cadre::channel<int>>(in);
        return 3;
    } catch (const cadre::not_portable&) {
    }
    return own.size() == 1 ? 0 : 4;
}

/// Writes the handle of an executor that only the other program has.
int send_executor(int pipe) {
    const executor ex = process_executor{{.workers = 1}};
    cadre::detail::byte_buffer handle;
    cadre::detail::codec_context context;
    cadre::detail::encoder out(handle, &context);
    cadre::detail::encode(out, ex);
    return ::write(pipe, handle.data(), handle.size()) == static_cast<ssize_t>(handle.size()) ? 0 : 2;
}

template <class F>
int in_another_program(F f) {
    const pid_t child = ::fork();
    if (child == 0) ::_exit(f());
    int status = 0;
    EXPECT_EQ(::waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(foreign_handles, are_refused_by_another_program) {
#ifdef CADRE_TSAN
    GTEST_SKIP() << "ThreadSanitizer does not support threads in a fork of a program with threads";
#endif
    const executor ex = process_executor{{.workers = 1}};
    const cadre::channel<int> ch(ex, 4);
    const auto courier = std::make_shared<call_test::fake_remote>();
    auto job = cadre::spawn(executor(courier), take_one, ch, ex);
    cadre::detail::portable_call& call = courier->call(0);
    EXPECT_EQ(in_another_program([&] { return receive_there(call.arguments.span()); }), 0);
    call_test::call_reply reply;
    reply.kind = call_test::reply_kind::failure;
    reply.error = std::make_exception_ptr(cadre::not_portable("refused there"));
    call.complete(std::move(reply));
    EXPECT_THROW(cadre::sync_wait(std::move(job)), cadre::not_portable);

    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    EXPECT_EQ(in_another_program([&] { return send_executor(ends[1]); }), 0);
    std::byte handle[64];
    const ssize_t size = ::read(ends[0], handle, sizeof handle);
    ::close(ends[0]);
    ::close(ends[1]);
    ASSERT_GE(size, 16);
    cadre::detail::codec_context context;
    cadre::detail::decoder in(std::span(handle, static_cast<std::size_t>(size)), &context);
    EXPECT_THROW((void)cadre::detail::decode<executor>(in), cadre::not_portable);
}

}  // namespace
