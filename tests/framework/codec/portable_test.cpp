#include <cadre/portable.hpp>

#include <deque>
#include <gtest/gtest.h>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include <any>
#include <atomic>
#include <complex>
#include <filesystem>
#include <functional>
#include <memory_resource>
#include <mutex>
#include <thread>

#include <cadre/bind_portable.hpp>

namespace {

using cadre::portable;
using cadre::portable_callable;
using cadre::detail::decayed_parameters_t;
using cadre::detail::portability_reason;

template <class T>
constexpr portability_reason why = cadre::detail::portability_of<T>::reason;

enum class color : unsigned char { red };
enum plain_color { green };

struct point {
    double x, y;
};
struct node {
    int value;
    std::vector<node> children;
};
struct link {
    int value;
    std::unique_ptr<link> next;
};
struct tree;
struct branch {
    std::map<std::string, tree> trees;
};
struct tree {
    std::optional<int> value;
    std::vector<branch> branches;
};
struct bits {
    int a : 3;
    unsigned b : 5;
    bool c : 1;
};
struct with_defaults {
    int a = 3;
    std::string b = "text";
    std::vector<int> c{1, 2};
};
struct with_const {
    const int a;
    const std::string b;
};
struct of_everything {
    std::optional<int> a;
    std::variant<int, std::string> b;
    std::array<std::string, 2> c;
    std::unique_ptr<int> d;
    std::map<std::string, std::vector<int>> e;
    std::filesystem::path f;
    std::tuple<int, int> g;
    std::error_code h;
    std::chrono::system_clock::time_point i;
    point j;
    node k;
    std::monostate l;
};
struct of_32 {
    int a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14, a15, a16, a17, a18, a19, a20, a21, a22, a23,
        a24, a25, a26, a27, a28, a29, a30, a31;
};
struct of_33 {
    of_32 nested;
    int a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14, a15, a16, a17, a18, a19, a20, a21, a22, a23,
        a24, a25, a26, a27, a28, a29, a30, a31;
};
struct empty_aggregate {};

class serializable {
public:
    serializable() = default;
    template <class A>
    void serialize(A& archive) {
        archive(x_);
    }

private:
    int x_ = 0;
};
struct with_auto_serialize {
    virtual ~with_auto_serialize() = default;
    template <class A>
    auto serialize(A& archive) {
        archive(x);
        archive & x;
    }
    int x = 0;
};
struct scaled {
    int factor;
    int operator()(int x) const { return x * factor; }
};

TEST(portable, values) {
    static_assert(portable<int> && portable<bool> && portable<long double> && portable<char16_t>);
    static_assert(portable<color> && portable<plain_color> && portable<std::byte>);
    static_assert(portable<std::string> && portable<std::wstring> && portable<std::filesystem::path>);
    static_assert(portable<std::chrono::nanoseconds> && portable<std::chrono::steady_clock::time_point>);
    static_assert(portable<std::chrono::year_month_day> && portable<std::error_code> && portable<std::complex<float>>);
    static_assert(portable<std::vector<bool>> && portable<std::deque<int>> && portable<std::list<std::string>>);
    static_assert(portable<std::forward_list<int>> && portable<std::set<int>> && portable<std::multiset<int>>);
    static_assert(portable<std::map<int, std::string>> && portable<std::multimap<int, int>>);
    static_assert(portable<std::unordered_map<std::string, int>> && portable<std::unordered_multimap<int, int>>);
    static_assert(portable<std::unordered_set<int>> && portable<std::unordered_multiset<int>>);
    static_assert(portable<std::pair<int, std::string>> && portable<std::tuple<>> && portable<std::array<int, 3>>);
    static_assert(portable<std::optional<std::string>> && portable<std::variant<std::monostate, int>>);
    static_assert(portable<std::unique_ptr<point>> && portable<std::pmr::vector<int>>);
    static_assert(portable<const std::string>);
}

TEST(portable, aggregates) {
    static_assert(portable<point> && portable<bits> && portable<with_defaults> && portable<with_const>);
    static_assert(portable<of_everything> && portable<of_32> && portable<empty_aggregate>);
    static_assert(portable<node> && portable<link> && portable<tree> && portable<branch>);
    static_assert(portable<serializable> && portable<with_auto_serialize>);
}

struct with_array {
    int a;
    int b[3];
};
struct with_string_array {
    int a;
    std::string b[2];
};
struct with_array_of_one {
    int a;
    int b[1];
};
struct with_text {
    char text[300];
};
struct base {
    int x;
};
struct derived : base {
    int y;
};
struct derived_alone : base {};
struct derived_from_empty : empty_aggregate {
    int x;
};
struct with_reference {
    int x;
    int& r;
};
struct with_const_reference {
    const std::string& r;
};
struct with_anonymous_union {
    int x;
    union {
        int a;
        float b;
    };
};
struct with_union {
    union {
        int a;
        float b;
    } u;
};
struct deep {
    std::vector<std::map<std::string, std::optional<const char*>>> text;
};
struct recursive_and_refused {
    std::vector<recursive_and_refused> children;
    int* pointer;
};
struct polymorphic {
    virtual ~polymorphic() = default;
};
class opaque {
public:
    explicit opaque(int x) : x_(x) {}
    [[nodiscard]] int x() const { return x_; }

private:
    int x_;
};
struct with_opaque {
    int a;
    opaque b;
};
struct with_function {
    std::function<void()> f;
    std::any a;
};
struct without_default {
    explicit without_default(int) {}
    template <class A>
    void serialize(A&) {}
};
struct coroutine_like {
    struct promise_type {};
};
struct job_like {
    static constexpr bool cadre_process_bound = true;
};
struct only_declared;

TEST(portable, reasons_of_rejection) {
    static_assert(why<int*> == portability_reason::pointer && why<const char*> == portability_reason::pointer);
    static_assert(why<std::nullptr_t> == portability_reason::pointer && why<int&> == portability_reason::reference);
    static_assert(why<std::string_view> == portability_reason::view && why<std::span<int>> == portability_reason::view);
    static_assert(why<std::reference_wrapper<int>> == portability_reason::reference_wrapper);
    static_assert(why<std::shared_ptr<int>> == portability_reason::shared_pointer &&
                  why<std::weak_ptr<int>> == portability_reason::shared_pointer);
    static_assert(why<std::unique_ptr<int[]>> == portability_reason::unique_pointer);
    static_assert(why<std::unique_ptr<polymorphic>> == portability_reason::polymorphic_pointee);
    static_assert(why<std::unique_ptr<only_declared>> == portability_reason::incomplete);
    static_assert(why<int point::*> == portability_reason::member_pointer &&
                  why<int (scaled::*)(int) const> == portability_reason::member_pointer);
    static_assert(why<std::function<int()>> == portability_reason::std_function);
    static_assert(why<coroutine_like> == portability_reason::coroutine_object &&
                  why<job_like> == portability_reason::process_bound);
    static_assert(why<int[3]> == portability_reason::c_array &&
                  why<std::vector<int>::iterator> == portability_reason::opaque_class);
    static_assert(why<with_array> == portability_reason::c_array_member &&
                  why<with_string_array> == portability_reason::c_array_member);
    static_assert(why<with_array_of_one> == portability_reason::c_array &&
                  why<with_text> == portability_reason::too_many_members);
    static_assert(why<of_33> == portability_reason::too_many_members);
    static_assert(why<derived> == portability_reason::base_class &&
                  why<derived_alone> == portability_reason::base_class);
    static_assert(why<derived_from_empty> == portability_reason::base_class);
    static_assert(why<with_reference> == portability_reason::reference_member &&
                  why<with_const_reference> == portability_reason::reference);
    static_assert(why<with_anonymous_union> == portability_reason::union_member &&
                  why<with_union> == portability_reason::union_member);
    static_assert(why<deep> == portability_reason::pointer &&
                  why<recursive_and_refused> == portability_reason::pointer);
    static_assert(std::is_same_v<cadre::detail::portability_of<deep>::offender, const char*>);
    static_assert(why<polymorphic> == portability_reason::polymorphic &&
                  why<opaque> == portability_reason::opaque_class);
    static_assert(why<with_opaque> == portability_reason::opaque_class &&
                  why<with_function> == portability_reason::std_function);
    static_assert(why<without_default> == portability_reason::not_rebuildable);
    static_assert(why<std::mutex> == portability_reason::opaque_class &&
                  why<std::thread> == portability_reason::opaque_class);
    static_assert(why<std::atomic<int>> == portability_reason::opaque_class &&
                  why<std::any> == portability_reason::opaque_class);
    static_assert(!portable<std::set<int, bool (*)(int, int)>>);  // its comparison would have to travel too
    static_assert(!portable<void>);
}

[[maybe_unused]] int function(std::string_view, const std::string&, int) noexcept { return 0; }

TEST(portable, callables) {
    [[maybe_unused]] int captured = 1;
    auto captureless = [](int, const std::string&) {};
    auto generic = [](auto x) { return x; };
    auto by_value = [=](int) {};
    auto by_reference = [&](auto) {};
    auto capturing = [captured](int) { return captured; };
    auto generic_capturing = [captured](auto) { return captured; };
    auto owning = [p = std::make_unique<int>(3)](int) { return *p; };
    static_assert(portable_callable<decltype(function)> && portable_callable<decltype(&function)>);
    static_assert(portable_callable<decltype(captureless)> && portable_callable<decltype(generic)>);
    static_assert(portable_callable<scaled> && portable_callable<std::plus<>> && portable_callable<std::plus<int>>);
    static_assert(portable_callable<decltype(cadre::bind_portable(scaled{2}, 3))>);
    static_assert(why<decltype(by_value)> == portability_reason::default_capture_lambda);
    static_assert(why<decltype(by_reference)> == portability_reason::default_capture_lambda);
    static_assert(why<decltype(capturing)> == portability_reason::capturing_lambda);
    static_assert(why<decltype(generic_capturing)> == portability_reason::capturing_lambda);
    static_assert(why<decltype(owning)> == portability_reason::capturing_lambda);
    static_assert(!portable_callable<std::string> && !portable_callable<int> &&
                  !portable_callable<std::function<int()>>);
    static_assert(!portable_callable<int (scaled::*)(int) const>);
}

TEST(portable, parameters_of_a_callable) {
    auto captureless = [](int, const std::string&) {};
    auto generic = [](auto x) { return x; };
    static_assert(
        std::is_same_v<decayed_parameters_t<decltype(function)>, std::tuple<std::string_view, std::string, int>>);
    static_assert(
        std::is_same_v<decayed_parameters_t<decltype(&function)>, std::tuple<std::string_view, std::string, int>>);
    static_assert(std::is_same_v<decayed_parameters_t<decltype(captureless)>, std::tuple<int, std::string>>);
    static_assert(std::is_same_v<decayed_parameters_t<scaled>, std::tuple<int>>);
    static_assert(std::is_same_v<decayed_parameters_t<decltype(generic)>, void>);
    static_assert(std::is_same_v<decayed_parameters_t<std::plus<>>, void>);
}

struct owns_movables {
    std::vector<std::unique_ptr<int>> values;
    int n = 0;
};
struct owns_owners {
    std::map<int, std::unique_ptr<int>> table;
    std::vector<owns_movables> owners;
    std::optional<std::deque<std::unique_ptr<int>>> maybe;
};
static_assert(cadre::portable<owns_movables> && cadre::portable<owns_owners>);

}  // namespace
