#include <cadre/detail/codec/call_name.hpp>

#include <gtest/gtest.h>

#include <cadre/bind_portable.hpp>
#include <cadre/detail/codec/codec.hpp>

namespace {

using namespace cadre::detail;

struct image {
    int pixels = 0;
};

int resize(image i) { return i.pixels; }

struct blur {
    int operator()(image i) const { return i.pixels; }
};

template <class F>
void trampoline() {}
template <class F>
const trampoline_name registered{reinterpret_cast<const void*>(&trampoline<F>), &callable_name<F>::read};

template <class F>
function_id trampoline_of() {
    static_cast<void>(registered<F>);
    return identify_function(reinterpret_cast<const void*>(&trampoline<F>));
}

template <class F>
std::string name_of_call(const F& f) {
    byte_buffer arguments;
    encoder out(arguments);
    encode(out, f);
    return call_name(trampoline_of<F>(), arguments.span());
}

TEST(call_name, of_a_function_is_its_name) {
    EXPECT_EQ(name_of_call(&resize), "(anonymous namespace)::resize((anonymous namespace)::image)");
}

TEST(call_name, of_a_function_object_is_its_class) {
    EXPECT_NE(name_of_call(blur{}).find("blur"), std::string::npos) << name_of_call(blur{});
}

TEST(call_name, of_a_lambda_says_where_it_is) {
    const std::string name = name_of_call([](int x) { return x; });
    EXPECT_NE(name.find("lambda"), std::string::npos) << name;
    EXPECT_EQ(name.find('/'), std::string::npos) << name;
}

TEST(call_name, of_a_binding_is_that_of_the_bound_function) {
    EXPECT_EQ(name_of_call(cadre::bind_portable(&resize, image{1})), name_of_call(&resize));
}

TEST(call_name, of_a_call_in_this_process_is_the_same) {
    using cadre::detail::callable_of;
    EXPECT_EQ(callable_text(callable_of(&resize)), name_of_call(&resize));
    EXPECT_EQ(callable_text(callable_of(cadre::bind_portable(&resize, image{1}))), name_of_call(&resize));
    const auto lambda = [] {};
    EXPECT_EQ(callable_text(callable_of(lambda)), name_of_call(lambda));
    EXPECT_EQ(callable_text({}), "");
}

TEST(call_name, of_a_task_is_its_given_name_if_it_has_one) {
    EXPECT_EQ(cadre::detail::task_text("resize", {}), "task 'resize'");
    EXPECT_EQ(cadre::detail::task_text("", cadre::detail::callable_of(&resize)), name_of_call(&resize));
}

TEST(call_name, without_a_symbol_is_the_type) {
    byte_buffer arguments;
    encoder out(arguments);
    encode(out, static_cast<int (*)(image)>(nullptr));
    const std::string name = call_name(trampoline_of<int (*)(image)>(), arguments.span());
    EXPECT_TRUE(name.starts_with("a task of type int")) << name;
}

TEST(call_name, of_malformed_arguments_or_of_an_unknown_trampoline_is_a_task) {
    EXPECT_EQ(call_name(trampoline_of<int (*)(image)>(), {}), "a task");
    EXPECT_EQ(call_name(identify_function(reinterpret_cast<const void*>(&resize)), {}), "a task");
    EXPECT_EQ(call_name({}, {}), "a task");
}

TEST(call_name, of_a_very_long_type_is_cut) {
    EXPECT_LE(callable_class_name(std::string(1000, 'x').c_str()).size(), 200u);
}

}  // namespace
