#include <cadre/detail/codec/codec.hpp>

#include <gtest/gtest.h>

#include <compare>
#include <complex>
#include <filesystem>
#include <limits>
#include <memory_resource>
#include <string>
#include <utility>
#include <vector>

#include <cadre/portable.hpp>

namespace {

using namespace cadre::detail;

template <class T>
byte_buffer encoded(const T& value) {
    byte_buffer bytes;
    encoder out(bytes);
    encode(out, value);
    return bytes;
}

template <class T>
T decoded(const byte_buffer& bytes) {
    decoder in(bytes.span());
    T value = decode<T>(in);
    EXPECT_EQ(in.remaining(), 0u);
    return value;
}

template <class T>
T sent(const T& value) {
    return decoded<T>(encoded(value));
}

template <class T>
void expect_round_trip(const T& value) {
    EXPECT_TRUE(sent(value) == value);
}

enum class color : short { red = 1, blue = -7 };
enum class flag : bool { off, on };

struct point {
    double x, y, z;
    bool operator==(const point&) const = default;
};
struct padded {
    char a;
    int b;
    bool operator==(const padded&) const = default;
};
struct node {
    int value;
    std::vector<node> children;
    bool operator==(const node&) const = default;
};
struct link {
    int value;
    std::unique_ptr<link> next;
};
struct bits {
    int a : 3;
    unsigned b : 5;
    bool c : 1;
    bool operator==(const bits&) const = default;
};
struct with_const {
    const int a;
    const std::string b;
    bool operator==(const with_const&) const = default;
};
struct nothing {
    bool operator==(const nothing&) const = default;
};
struct with_nothing {
    nothing a;
    int b;
    bool operator==(const with_nothing&) const = default;
};
struct many {
    std::optional<int> a;
    std::variant<int, std::string> b;
    std::array<std::string, 2> c;
    std::map<std::string, std::vector<int>> d;
    std::tuple<int, double> e;
    std::error_code f;
    std::filesystem::path g;
    point h;
    node i;
    bool operator==(const many&) const = default;
};

TEST(codec, scalars) {
    expect_round_trip(std::numeric_limits<int>::min());
    expect_round_trip(std::numeric_limits<std::uint64_t>::max());
    expect_round_trip(0.1L);
    expect_round_trip(true);
    expect_round_trip(u'x');
    expect_round_trip(color::blue);
    expect_round_trip(flag::on);
    expect_round_trip(std::byte{200});
}

TEST(codec, strings_and_paths) {
    expect_round_trip(std::string());
    expect_round_trip(std::string("with\0zero", 9));
    expect_round_trip(std::string(100'000, 'x'));
    expect_round_trip(std::u16string(u"text"));
    expect_round_trip(std::filesystem::path("/a/b"));
}

TEST(codec, sequences) {
    expect_round_trip(std::vector<int>{});
    expect_round_trip(std::vector<int>{1, 2, 3});
    expect_round_trip(std::vector<point>(1000, point{1, 2, 3}));
    expect_round_trip(std::vector<padded>{{'a', 1}, {'b', 2}});
    expect_round_trip(std::vector<std::string>{"a", "", "c"});
    expect_round_trip(std::vector<bool>{true, false, true});
    expect_round_trip(std::deque<int>{1, 2});
    expect_round_trip(std::deque<std::string>{"1", "2"});
    expect_round_trip(std::list<double>{1.5, 2.5});
    expect_round_trip(std::forward_list<int>{1, 2, 3});
    expect_round_trip(std::forward_list<std::string>{"x", "y", "z"});
    expect_round_trip(std::pmr::vector<int>{1, 2});
    expect_round_trip(std::vector<std::monostate>(5));
    expect_round_trip(std::vector<nothing>(5));
}

TEST(codec, associative_containers) {
    expect_round_trip(std::set<std::string>{"b", "a"});
    expect_round_trip(std::multiset<int>{1, 1, 2});
    expect_round_trip(std::map<std::string, std::vector<int>>{{"a", {1}}, {"b", {}}});
    expect_round_trip(std::multimap<int, std::string>{{1, "a"}, {1, "b"}});
    expect_round_trip(std::map<int, std::monostate>{{1, {}}, {2, {}}});
    expect_round_trip(std::unordered_set<int>{1, 2, 3});
    expect_round_trip(std::unordered_multiset<int>{1, 1});
    expect_round_trip(std::unordered_map<std::string, int>{{"a", 1}, {"b", 2}});
    expect_round_trip(std::unordered_multimap<int, bool>{{1, true}, {1, false}});
}

TEST(codec, products_and_sums) {
    expect_round_trip(std::pair<int, std::string>{1, "a"});
    expect_round_trip(std::tuple<>{});
    expect_round_trip(std::tuple<int, std::string, double>{1, "a", 2.5});
    expect_round_trip(std::array<std::string, 3>{"a", "b", "c"});
    expect_round_trip(std::array<bool, 3>{true, false, true});
    expect_round_trip(std::array<int, 0>{});
    expect_round_trip(std::optional<std::string>{});
    expect_round_trip(std::optional<std::string>{"x"});
    expect_round_trip(std::variant<std::monostate, int, std::string>{"x"});
    expect_round_trip(std::variant<int, int>{std::in_place_index<1>, 5});
    expect_round_trip(std::complex<double>{1, 2});
}

TEST(codec, standard_classes) {
    using namespace std::chrono_literals;
    expect_round_trip(std::chrono::nanoseconds(5));
    expect_round_trip(std::chrono::duration<double>(0.5));
    expect_round_trip(std::chrono::system_clock::now());
    expect_round_trip(2024y / 2 / 29);
    expect_round_trip(std::make_error_code(std::errc::io_error));
    expect_round_trip(std::error_code(5, std::system_category()));
    expect_round_trip(std::make_error_condition(std::errc::io_error));
}

TEST(codec, aggregates) {
    expect_round_trip(point{1, 2, 3});
    expect_round_trip(padded{'x', 5});
    expect_round_trip(bits{-2, 30, true});
    expect_round_trip(with_const{5, "b"});
    expect_round_trip(nothing{});
    expect_round_trip(with_nothing{{}, 5});
    const node tree{1, {{2, {}}, {3, {{4, {}}}}}};
    expect_round_trip(tree);
    expect_round_trip(many{1,
                           "s",
                           {"a", "b"},
                           {{"k", {1, 2}}},
                           {1, 2.5},
                           std::make_error_code(std::errc::io_error),
                           "/p",
                           {1, 2, 3},
                           tree});
}

TEST(codec, move_only_values) {
    EXPECT_EQ(*sent(std::make_unique<int>(5)), 5);
    EXPECT_EQ(sent(std::unique_ptr<int>()), nullptr);
    const link chain = sent(link{1, std::make_unique<link>(link{2, nullptr})});
    EXPECT_EQ(chain.value, 1);
    ASSERT_TRUE(chain.next);
    EXPECT_EQ(chain.next->value, 2);
    std::vector<std::unique_ptr<std::string>> texts;
    texts.push_back(std::make_unique<std::string>("a"));
    texts.push_back(nullptr);
    const auto copies = sent(texts);
    EXPECT_EQ(*copies.at(0), "a");
    EXPECT_EQ(copies.at(1), nullptr);
    std::map<int, std::unique_ptr<int>> owners;
    owners.emplace(1, std::make_unique<int>(7));
    EXPECT_EQ(*sent(owners).at(1), 7);
}

TEST(codec, runs_of_plain_values_take_no_more_than_their_bytes) {
    static_assert(plain<point> && plain<std::array<point, 2>> && plain<color>);
    static_assert(!plain<padded> && !plain<bits> && !plain<bool> && !plain<flag> && !plain<int*> && !plain<node>);
    EXPECT_EQ(encoded(std::vector<point>(40)).size(), 1 + 40 * sizeof(point));
    EXPECT_EQ(encoded(std::vector<point>(100)).size(), run_alignment + 100 * sizeof(point));
    static_assert(plain<std::pair<int, float>> && !plain<std::pair<char, int>> && plain<std::chrono::nanoseconds>);
    expect_round_trip(std::vector<std::pair<int, float>>{{1, 2.5f}, {3, 4.5f}});
    expect_round_trip(std::vector<std::complex<float>>{{1, 2}});
    expect_round_trip(std::vector<std::chrono::seconds>{std::chrono::seconds(4)});
    EXPECT_EQ(encoded(std::tuple<int, char>{}).size(), 5u);
    EXPECT_EQ(encoded(std::string("abc")).size(), 4u);
}

TEST(codec, functions_and_stateless_callables) {
    using function = int (*)(int);
    const function twice = [](int x) { return 2 * x; };
    EXPECT_EQ(sent(twice)(4), 8);
    EXPECT_EQ(sent(function{}), nullptr);
    auto lambda = [](int x) { return x + 1; };
    EXPECT_EQ(sent(lambda)(1), 2);
    EXPECT_EQ(encoded(lambda).size(), 0u);
}

// Archetypes of cereal's wrappers.
template <class T>
struct named {
    const char* name;
    T& value;
};
template <class Base>
struct base_view {
    template <class Derived>
    explicit base_view(Derived* derived) : base_ptr(derived) {}
    Base* base_ptr;
};

class account {
public:
    account() = default;
    account(std::string owner, int balance) : owner_(std::move(owner)), history_{balance, 2, 3} {}
    template <class A>
    void serialize(A& archive) {
        archive(named<std::string>{"owner", owner_}, history_);
    }
    bool operator==(const account& other) const {
        return owner_ == other.owner_ && std::equal(history_, history_ + 3, other.history_);
    }

private:
    std::string owner_;
    int history_[3] = {};
};
struct savings : account {
    savings() = default;
    using account::account;
    double rate = 0;
    template <class A>
    void serialize(A& archive) {
        archive(base_view<account>(this));
        archive & rate;
    }
};
struct directional {
    int writes = 0;
    template <class A>
    void serialize(A& archive) {
        int version = 2;
        if (A::is_saving::value) ++writes;
        archive(version, writes);
    }
};

TEST(codec, classes_with_serialize) {
    expect_round_trip(account("me", 5));
    expect_round_trip(std::vector<account>{{"a", 1}, {"b", 2}});
    expect_round_trip(std::map<std::string, account>{{"a", {"b", 1}}});
    savings rich("you", 9);
    rich.rate = 0.5;
    const savings copy = sent(rich);
    EXPECT_TRUE(static_cast<const account&>(copy) == rich);
    EXPECT_EQ(copy.rate, 0.5);
    EXPECT_EQ(sent(directional{}).writes, 1);
}

struct handle {
    static constexpr bool cadre_portable_handle = true;
    std::shared_ptr<const int> object;

    void encode_handle(encoder& out) const {
        out.context()->keep_alive.push_back(object);
        encode(out, *object);
    }
    static handle decode_handle(decoder& in) { return {std::make_shared<const int>(decode<int>(in))}; }
};

TEST(codec, handles_use_the_context) {
    static_assert(cadre::portable<handle> && cadre::portable<std::vector<handle>>);
    codec_context context;
    byte_buffer bytes;
    encoder out(bytes, &context);
    auto object = std::make_shared<const int>(5);
    encode(out, std::vector<handle>{{object}, {object}});
    EXPECT_EQ(context.keep_alive.size(), 2u);
    decoder in(bytes.span(), &context);
    const auto handles = decode<std::vector<handle>>(in);
    ASSERT_EQ(handles.size(), 2u);
    EXPECT_EQ(*handles[1].object, 5);
}

class private_category : public std::error_category {
public:
    [[nodiscard]] const char* name() const noexcept override { return "private"; }
    [[nodiscard]] std::string message(int) const override { return "private"; }
};

TEST(codec, values_that_cannot_be_sent_throw_not_portable) {
    const private_category category;
    EXPECT_THROW((void)encoded(std::error_code(1, category)), cadre::not_portable);
    link chain{0, nullptr};
    link* last = &chain;
    for (unsigned i = 0; i != max_nesting + 1; ++i) {
        last->next = std::make_unique<link>();
        last = last->next.get();
    }
    EXPECT_THROW((void)encoded(chain), cadre::not_portable);
}

}  // namespace
