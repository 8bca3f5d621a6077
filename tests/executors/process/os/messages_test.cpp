#include "process/os/launch_protocol.hpp"
#include "process/os/syscalls.hpp"
#include "worker_fixture.hpp"

#include <stdexcept>
#include <system_error>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>

namespace cadre::detail::process_os::testing {
namespace {

int run_nothing(worker_boot&&) { return 0; }

bool same_file(int a, int b) {
    struct stat first{};
    struct stat second{};
    return ::fstat(a, &first) == 0 && ::fstat(b, &second) == 0 && first.st_dev == second.st_dev &&
           first.st_ino == second.st_ino;
}

TEST(process_os_messages, arrive_whole_with_their_descriptors) {
    const socket_pair ends = make_socket_pair();
    std::vector<unique_fd> files;
    std::vector<int> fds;
    for (std::size_t i = 0; i < max_message_fds; ++i) {
        files.push_back(make_memfd("m", 1));
        fds.push_back(files.back().get());
    }
    std::vector<std::byte> bytes(max_message_bytes, std::byte{7});
    ASSERT_TRUE(send_message(ends.first.get(), bytes, fds));
    const received_message message = receive_message(ends.second.get());
    EXPECT_EQ(message.what, received_message::kind::message);
    EXPECT_EQ(message.bytes, bytes);
    ASSERT_EQ(message.fds.size(), fds.size());
    for (std::size_t i = 0; i < fds.size(); ++i) {
        EXPECT_TRUE(same_file(message.fds[i].get(), fds[i]));
        EXPECT_EQ(::fcntl(message.fds[i].get(), F_GETFD), FD_CLOEXEC);
    }
}

TEST(process_os_messages, the_end_of_the_peer_is_no_error) {
    socket_pair ends = make_socket_pair();
    EXPECT_EQ(receive_message(ends.first.get(), false).what, received_message::kind::would_block);
    ends.second.reset();
    EXPECT_EQ(receive_message(ends.first.get()).what, received_message::kind::end);
    const std::byte one{1};
    EXPECT_FALSE(send_message(ends.first.get(), {&one, 1}));
}

TEST(process_os_messages, without_free_descriptors_theirs_are_too_many_open_files) {
    const socket_pair ends = make_socket_pair();
    const int fd = ends.first.get();
    const std::byte one{1};
    ASSERT_TRUE(send_message(ends.first.get(), {&one, 1}, {&fd, 1}));
    rlimit before{};
    ::getrlimit(RLIMIT_NOFILE, &before);
    rlimit none = before;
    none.rlim_cur = 0;
    ::setrlimit(RLIMIT_NOFILE, &none);
    std::error_code refused;
    try {
        static_cast<void>(receive_message(ends.second.get()));
    } catch (const std::system_error& e) {
        refused = e.code();
    }
    ::setrlimit(RLIMIT_NOFILE, &before);
    EXPECT_EQ(refused, std::error_code(EMFILE, std::system_category()));
}

TEST(process_os_messages, too_long_ones_are_refused) {
    const socket_pair ends = make_socket_pair();
    EXPECT_THROW(send_message(ends.first.get(), std::vector<std::byte>(max_message_bytes + 1)), std::system_error);
    EXPECT_THROW(send_message(ends.first.get(), std::vector<std::byte>(1), std::vector<int>(max_message_fds + 1, 0)),
                 std::system_error);
}

std::vector<unique_fd> copies(const std::vector<int>& fds) {
    std::vector<unique_fd> result;
    for (const int fd : fds)
        result.push_back(duplicate(fd));
    return result;
}

TEST(process_os_wire, a_request_comes_out_as_it_went_in) {
    const unique_fd lifeline = make_memfd("lifeline", 1);
    const unique_fd error = make_memfd("error", 1);
    const unique_fd first = make_memfd("first", 1);
    const unique_fd second = make_memfd("second", 1);
    const worker_spec spec{.slot = 3,
                           .generation = ~std::uint64_t{0},
                           .start = start_method::spawn,
                           .fds = {first.get(), second.get()},
                           .crash_fd = 1,
                           .crash_offset = 8192,
                           .memory_limit = std::uint64_t{1} << 40,
                           .affinity = {0, 5, 1023},
                           .stderr_fd = error.get(),
                           .name = "name",
                           .main = &run_nothing};
    const encoded_request encoded = encode_request(spec, lifeline.get());
    const auto request = decode_request(encoded.bytes, copies(encoded.fds));
    ASSERT_TRUE(request);
    EXPECT_EQ(request->boot.slot, spec.slot);
    EXPECT_EQ(request->boot.generation, spec.generation);
    EXPECT_EQ(request->boot.start, spec.start);
    EXPECT_EQ(request->boot.name, spec.name);
    EXPECT_EQ(request->crash_fd, spec.crash_fd);
    EXPECT_EQ(request->crash_offset, spec.crash_offset);
    EXPECT_EQ(request->memory_limit, spec.memory_limit);
    EXPECT_EQ(request->affinity, spec.affinity);
    EXPECT_EQ(request->main, spec.main);
    EXPECT_FALSE(request->standard_output);
    EXPECT_TRUE(same_file(request->standard_error.get(), error.get()));
    ASSERT_EQ(request->boot.fds.size(), 2u);
    EXPECT_TRUE(same_file(request->boot.fds[0].get(), first.get()));
    EXPECT_TRUE(same_file(request->boot.fds[1].get(), second.get()));
}

TEST(process_os_wire, a_cut_or_lengthened_request_is_none) {
    const unique_fd file = make_memfd("file", 1);
    const encoded_request encoded = encode_request({.affinity = {1, 2}, .name = "name"}, file.get());
    std::vector<std::byte> bytes = encoded.bytes;
    for (std::size_t size = 0; size < bytes.size(); ++size)
        EXPECT_FALSE(decode_request(std::span{bytes}.first(size), copies(encoded.fds)));
    EXPECT_FALSE(decode_request(bytes, {}));
    bytes.push_back(std::byte{0});
    EXPECT_FALSE(decode_request(bytes, copies(encoded.fds)));
    EXPECT_FALSE(parse_message<ended_message>(bytes_of(launched_message{})));
}

TEST(process_os_wire, a_main_function_outside_the_program_is_refused) {
    const worker_spec spec{.main = reinterpret_cast<worker_main_fn>(std::uintptr_t{4096})};
    EXPECT_THROW(static_cast<void>(encode_request(spec, 0)), std::invalid_argument);
}

}  // namespace
}  // namespace cadre::detail::process_os::testing
