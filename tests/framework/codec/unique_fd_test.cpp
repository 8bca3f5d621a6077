// An owner of a file descriptor, and its encoding: the descriptor travels beside the bytes.
#include <cadre/unique_fd.hpp>

#include <cerrno>
#include <map>
#include <optional>
#include <string>
#include <system_error>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

#include <gtest/gtest.h>

#include <fcntl.h>
#include <unistd.h>

#include <cadre/detail/codec/codec.hpp>
#include <cadre/detail/codec/descriptor_content.hpp>
#include <cadre/errors.hpp>
#include <cadre/portable.hpp>

namespace {

using namespace cadre::detail;
using cadre::unique_fd;

struct connection {
    std::string peer;
    unique_fd socket;
};
struct tree {
    int value;
    std::vector<tree> children;
};
struct serialised {
    unique_fd fd;
    serialised() = default;
    template <class A>
    void serialize(A& archive) {
        archive(fd);
    }
};

static_assert(cadre::portable<unique_fd> && cadre::portable<connection> && cadre::portable<std::vector<connection>>);
static_assert(cadre::portable<std::tuple<int, std::optional<unique_fd>>> && cadre::portable<serialised>);
static_assert(!std::is_copy_constructible_v<unique_fd> && std::is_nothrow_move_constructible_v<unique_fd>);
static_assert(!std::is_convertible_v<int, unique_fd> && !std::is_convertible_v<unique_fd, bool>);

static_assert(descriptors_in<std::vector<connection>> == descriptor_content::some);
static_assert(descriptors_in<std::variant<int, std::map<int, unique_fd>>> == descriptor_content::some);
static_assert(descriptors_in<std::unique_ptr<connection>> == descriptor_content::some);
static_assert(descriptors_in<serialised> == descriptor_content::unknown);
static_assert(descriptors_in<tree> == descriptor_content::none && descriptors_in<void> == descriptor_content::none);
static_assert(descriptors_in<std::vector<std::string>> == descriptor_content::none);

unique_fd open_null() { return unique_fd{::open("/dev/null", O_RDONLY | O_CLOEXEC)}; }
bool is_open(int fd) { return ::fcntl(fd, F_GETFD) >= 0; }

TEST(unique_fd, owns_and_closes) {
    int number = -1;
    {
        unique_fd fd = open_null();
        number = fd.get();
        EXPECT_TRUE(fd && is_open(number));
        unique_fd moved = std::move(fd);
        EXPECT_FALSE(fd);  // NOLINT(bugprone-use-after-move): it is empty
        EXPECT_EQ(moved.get(), number);
        unique_fd& same = moved;
        moved = std::move(same);
        EXPECT_TRUE(is_open(number));
    }
    EXPECT_FALSE(is_open(number));
}

TEST(unique_fd, can_be_released_reset_and_swapped) {
    unique_fd fd = open_null();
    const int number = fd.release();
    EXPECT_TRUE(!fd && is_open(number));
    fd.reset(number);
    unique_fd other;
    swap(fd, other);
    EXPECT_TRUE(!fd && other.get() == number);
    errno = 7;
    other.reset();
    EXPECT_EQ(errno, 7);
    EXPECT_FALSE(is_open(number));
}

struct encoded {
    byte_buffer bytes;
    std::vector<unique_fd> descriptors;
};
template <class T>
encoded encode_with_descriptors(T& value) {
    encoded e;
    codec_context context;
    context.descriptors = &e.descriptors;
    encoder out(e.bytes, &context);
    cadre::detail::encode<T>(out, value);
    return e;
}
template <class T>
T decode_with_descriptors(encoded& e) {
    codec_context context;
    context.take_arrived(e.descriptors);
    decoder in(e.bytes.span(), &context);
    return cadre::detail::decode<T>(in);
}

TEST(unique_fd, moves_out_of_the_value_and_into_the_decoded_one) {
    std::vector<connection> all;
    all.push_back({"a", open_null()});
    all.push_back({"b", {}});
    all.push_back({"c", open_null()});
    const int first = all[0].socket.get();
    const int last = all[2].socket.get();
    encoded e = encode_with_descriptors(all);
    EXPECT_EQ(e.descriptors.size(), 2u);
    EXPECT_FALSE(all[0].socket);
    const auto back = decode_with_descriptors<std::vector<connection>>(e);
    EXPECT_EQ(back[0].socket.get(), first);
    EXPECT_FALSE(back[1].socket);
    EXPECT_EQ(back[2].socket.get(), last);
    EXPECT_EQ(back[2].peer, "c");
}

TEST(unique_fd, does_not_travel_without_a_list_of_descriptors) {
    connection c{"a", open_null()};
    byte_buffer bytes;
    encoder out(bytes);
    EXPECT_THROW(cadre::detail::encode(out, c), cadre::not_portable);
    EXPECT_TRUE(c.socket);
}

TEST(unique_fd, that_is_not_open_cannot_be_encoded) {
    unique_fd closed = open_null();
    ::close(closed.get());
    try {
        (void)encode_with_descriptors(closed);
        ADD_FAILURE() << "no error";
    } catch (const std::system_error& e) {
        EXPECT_EQ(e.code().value(), EBADF);
    }
    (void)closed.release();
}

TEST(unique_fd, missing_and_lost_descriptors_are_errors) {
    unique_fd fd = open_null();
    encoded e = encode_with_descriptors(fd);
    encoded missing{std::move(e.bytes), {}};
    EXPECT_THROW((void)decode_with_descriptors<unique_fd>(missing), cadre::codec_error);
    missing.descriptors.emplace_back();
    EXPECT_THROW((void)decode_with_descriptors<unique_fd>(missing), std::system_error);
}

}  // namespace
