#include <cadre/register_exception.hpp>

#include <gtest/gtest.h>

#include <any>
#include <filesystem>
#include <functional>
#include <future>
#include <regex>
#include <string>
#include <system_error>
#include <typeindex>
#include <variant>

namespace {

using namespace cadre::detail;

std::exception_ptr sent(const std::exception_ptr& exception,
                        std::string_view where = "worker 2 (pid 123), task resize#17") {
    byte_buffer bytes;
    encoder out(bytes);
    encode_exception(out, exception);
    decoder in(bytes.span());
    auto arrived = decode_exception(in, where);
    EXPECT_EQ(in.remaining(), 0u);
    return arrived;
}

/// Throws `e` as it is rebuilt.
template <class E>
[[noreturn]] void throw_sent(E e) {
    std::rethrow_exception(sent(std::make_exception_ptr(std::move(e))));
}

template <class E>
void expect_arrives(E e) {
    const std::string text = e.what();
    try {
        throw_sent(std::move(e));
    } catch (const E& arrived) {
        EXPECT_EQ(arrived.what(), text);
        EXPECT_EQ(cadre::error_origin(arrived), "worker 2 (pid 123), task resize#17");
    } catch (...) {
        ADD_FAILURE() << "arrived as something else than " << typeid(E).name();
    }
}

TEST(register_exception, standard_exceptions_keep_their_type) {
    expect_arrives(std::runtime_error("text"));
    expect_arrives(std::range_error("text"));
    expect_arrives(std::overflow_error("text"));
    expect_arrives(std::underflow_error("text"));
    expect_arrives(std::logic_error("text"));
    expect_arrives(std::domain_error("text"));
    expect_arrives(std::invalid_argument("text"));
    expect_arrives(std::length_error("text"));
    expect_arrives(std::out_of_range(""));
    expect_arrives(std::bad_alloc());
    expect_arrives(std::bad_array_new_length());
    expect_arrives(std::bad_cast());
    expect_arrives(std::bad_typeid());
    expect_arrives(std::bad_function_call());
    expect_arrives(std::bad_optional_access());
    expect_arrives(std::bad_variant_access());
    expect_arrives(std::bad_weak_ptr());
    expect_arrives(std::bad_any_cast());
    expect_arrives(std::bad_exception());
    expect_arrives(std::exception());
    expect_arrives(std::future_error(std::future_errc::broken_promise));
    expect_arrives(std::regex_error(std::regex_constants::error_brack));
}

TEST(register_exception, errors_of_this_library_keep_their_type) {
    expect_arrives(cadre::error("text"));
    expect_arrives(cadre::config_error("text"));
    expect_arrives(cadre::cancelled());
    expect_arrives(cadre::timed_out());
    expect_arrives(cadre::channel_closed());
    expect_arrives(cadre::executor_stopped());
    expect_arrives(cadre::not_portable("text"));
    expect_arrives(cadre::codec_error("text"));
    try {
        throw_sent(cadre::worker_crashed("text", {5, 11, 0, "task", "frames", 1000}));
    } catch (const cadre::worker_crashed& e) {
        EXPECT_EQ(e.pid(), 5);
        EXPECT_EQ(e.signal(), 11);
        EXPECT_EQ(e.task_name(), "task");
        EXPECT_EQ(e.stack_trace(), "frames");
        EXPECT_EQ(e.peak_memory(), 1000u);
    }
    try {
        throw_sent(cadre::worker_lost("text", 5, "task"));
    } catch (const cadre::worker_lost& e) {
        EXPECT_EQ(e.pid(), 5);
        EXPECT_EQ(e.task_name(), "task");
    }
    try {
        throw_sent(cadre::task_killed("text", cadre::kill_reason::memory_limit, 5));
    } catch (const cadre::task_killed& e) {
        EXPECT_EQ(e.reason(), cadre::kill_reason::memory_limit);
        EXPECT_EQ(e.pid(), 5);
    }
    try {
        throw_sent(cadre::remote_error("their::type", "text"));
    } catch (const cadre::remote_error& e) {
        EXPECT_EQ(e.type_name(), "their::type");
        EXPECT_STREQ(e.what(), "text");
    }
}

TEST(register_exception, an_error_of_this_process_has_no_origin) {
    EXPECT_EQ(cadre::error_origin(std::runtime_error("text")), "");
}

TEST(register_exception, an_exception_that_is_not_caught_has_its_origin) {
    EXPECT_EQ(cadre::error_origin(sent(std::make_exception_ptr(std::runtime_error("text")), "worker 1")), "worker 1");
    EXPECT_EQ(cadre::error_origin(std::make_exception_ptr(std::runtime_error("text"))), "");
    EXPECT_EQ(cadre::error_origin(std::make_exception_ptr(7)), "");
    EXPECT_EQ(cadre::error_origin(std::exception_ptr()), "");
}

TEST(register_exception, a_copy_sliced_to_its_base_keeps_the_text) {
    try {
        throw_sent(std::invalid_argument("text"));
    } catch (const std::invalid_argument& e) {
        const std::invalid_argument cut(e);
        EXPECT_STREQ(cut.what(), "text");
    }
}

class private_category : public std::error_category {
public:
    [[nodiscard]] const char* name() const noexcept override { return "private"; }
    [[nodiscard]] std::string message(int) const override { return "private trouble"; }
};

TEST(register_exception, system_errors_keep_code_and_text) {
    expect_arrives(std::system_error(std::make_error_code(std::errc::io_error), "disk"));
    expect_arrives(std::system_error(std::make_error_code(std::errc::io_error)));
    expect_arrives(std::ios_base::failure("stream", std::make_error_code(std::io_errc::stream)));
    try {
        throw_sent(std::system_error(ENOENT, std::system_category(), "open"));
    } catch (const std::system_error& e) {
        const std::system_error cut(e);
        EXPECT_STREQ(cut.what(), e.what());
        EXPECT_EQ(e.code(), std::error_code(ENOENT, std::system_category()));
        EXPECT_EQ(std::string(e.what()), std::system_error(ENOENT, std::system_category(), "open").what());
    }
    try {
        throw_sent(std::filesystem::filesystem_error("open", "/a", "/b", std::make_error_code(std::errc::io_error)));
    } catch (const std::filesystem::filesystem_error& e) {
        EXPECT_EQ(e.path1(), "/a");
        EXPECT_EQ(e.path2(), "/b");
        EXPECT_EQ(e.code(), std::errc::io_error);
        EXPECT_NE(std::string(e.what()).find("open"), std::string::npos);
    }
    static const private_category category;
    try {
        throw_sent(std::system_error(7, category, "mine"));
    } catch (const std::system_error& e) {
        EXPECT_EQ(e.code().value(), 7);
        EXPECT_STREQ(e.code().category().name(), "private");
        EXPECT_STREQ(e.what(), "mine: private trouble");
    }
}

struct index_error : std::out_of_range {
    using std::out_of_range::out_of_range;
};
struct strange_error : std::exception {
    [[nodiscard]] const char* what() const noexcept override { return "strange"; }
};
struct custom_runtime_error : std::runtime_error {
    using std::runtime_error::runtime_error;
};
struct no_exception {
    int x;
};
struct no_text : std::exception {
    [[nodiscard]] const char* what() const noexcept override { return nullptr; }
};

TEST(register_exception, an_unregistered_class_is_rebuilt_as_its_nearest_standard_base) {
    try {
        throw_sent(index_error("too far"));
    } catch (const std::out_of_range& e) {
        EXPECT_STREQ(e.what(), "too far");
        EXPECT_EQ(dynamic_cast<const index_error*>(&e), nullptr);
    }
    EXPECT_THROW(throw_sent(custom_runtime_error("text")), std::runtime_error);
}

TEST(register_exception, a_class_without_a_specific_base_is_a_remote_error_with_its_name) {
    const auto expect_remote = [](const std::exception_ptr& thrown, const std::string& name, const std::string& text) {
        try {
            std::rethrow_exception(sent(thrown));
        } catch (const cadre::remote_error& e) {
            EXPECT_NE(e.type_name().find(name), std::string::npos) << e.type_name();
            EXPECT_EQ(e.what(), text);
            EXPECT_FALSE(cadre::error_origin(e).empty());
        }
    };
    expect_remote(std::make_exception_ptr(strange_error()), "strange_error", "strange");
    expect_remote(std::make_exception_ptr(custom_runtime_error("text")), "custom_runtime_error", "text");
    expect_remote(std::make_exception_ptr(no_exception{1}), "no_exception",
                  "an exception of type (anonymous namespace)::no_exception");
    expect_remote(std::make_exception_ptr(no_text{}), "no_text", "(what() is a null pointer)");
    expect_remote(std::make_exception_ptr(42), "int", "an exception of type int");
    expect_remote(std::make_exception_ptr("literal"), "char", "literal");
    expect_remote(std::make_exception_ptr(std::string("text")), "string", "text");
}

struct parse_error : std::runtime_error {
    using std::runtime_error::runtime_error;
    int line = 0;
    template <class A>
    void serialize(A& archive) {
        archive(line);
    }
};
struct simple_error : std::logic_error {
    using std::logic_error::logic_error;
};
struct constant_error final : std::exception {
    [[nodiscard]] const char* what() const noexcept override { return "constant"; }
};
struct value_error {
    int code;
    std::string detail;
};
struct unsendable_error : std::runtime_error {
    using std::runtime_error::runtime_error;
    std::error_code code;
    template <class A>
    void serialize(A& archive) {
        archive(code);
    }
};

void register_all() {
    cadre::register_exception<parse_error>();
    cadre::register_exception<simple_error>();
    cadre::register_exception<constant_error>();
    cadre::register_exception<value_error>();
    cadre::register_exception<unsendable_error>();
}

TEST(register_exception, registered_types_keep_their_members) {
    register_all();
    register_all();
    expect_arrives(simple_error("text"));
    EXPECT_THROW(throw_sent(constant_error()), constant_error);
    parse_error thrown("bad token");
    thrown.line = 7;
    try {
        throw_sent(thrown);
    } catch (const parse_error& e) {
        EXPECT_STREQ(e.what(), "bad token");
        EXPECT_EQ(e.line, 7);
        EXPECT_FALSE(cadre::error_origin(e).empty());
    }
    try {
        throw_sent(value_error{5, "why"});
    } catch (const value_error& e) {
        EXPECT_EQ(e.code, 5);
        EXPECT_EQ(e.detail, "why");
    }
}

TEST(register_exception, a_registered_type_whose_members_cannot_be_sent_falls_back) {
    register_all();
    static const private_category category;
    unsendable_error e("text");
    e.code = {1, category};
    EXPECT_THROW(throw_sent(e), cadre::remote_error);
}

/// The texts of a chain, outermost first.
std::vector<std::string> texts_of(const std::exception& e) {
    std::vector<std::string> texts{e.what()};
    try {
        std::rethrow_if_nested(e);
    } catch (const std::exception& inner) {
        const auto more = texts_of(inner);
        texts.insert(texts.end(), more.begin(), more.end());
    }
    return texts;
}

std::exception_ptr chain() {
    try {
        try {
            try {
                parse_error inner("inner");
                inner.line = 3;
                throw inner;
            } catch (...) {
                std::throw_with_nested(std::out_of_range("middle"));
            }
        } catch (...) {
            std::throw_with_nested(parse_error("outer"));
        }
    } catch (...) {
        return std::current_exception();
    }
}

TEST(register_exception, nested_exceptions_stay_nested) {
    register_all();
    try {
        std::rethrow_exception(sent(chain()));
    } catch (const parse_error& e) {
        EXPECT_EQ(texts_of(e), (std::vector<std::string>{"outer", "middle", "inner"}));
        try {
            std::rethrow_if_nested(e);
        } catch (const std::out_of_range& middle) {
            EXPECT_FALSE(cadre::error_origin(middle).empty());
            EXPECT_THROW(std::rethrow_if_nested(middle), parse_error);
        }
    }
}

TEST(register_exception, keeps_its_origin_across_several_processes) {
    register_all();
    const auto twice = [](const std::exception_ptr& e) { return sent(sent(e, "worker 1"), "worker 2"); };
    try {
        std::rethrow_exception(twice(chain()));
    } catch (const parse_error& e) {
        EXPECT_EQ(texts_of(e), (std::vector<std::string>{"outer", "middle", "inner"}));
        EXPECT_EQ(cadre::error_origin(e), "worker 1");
    }
    EXPECT_THROW(std::rethrow_exception(twice(std::make_exception_ptr(std::runtime_error("x")))), std::runtime_error);
    try {
        std::rethrow_exception(twice(std::make_exception_ptr(strange_error())));
    } catch (const cadre::remote_error& e) {
        EXPECT_NE(e.type_name().find("strange_error"), std::string::npos);
        EXPECT_STREQ(e.what(), "strange");
    }
}

TEST(register_exception, an_excessive_chain_is_truncated) {
    std::exception_ptr e = std::make_exception_ptr(std::runtime_error("0"));
    for (int i = 1; i != 100; ++i) {
        try {
            std::rethrow_exception(e);
        } catch (...) {
            try {
                std::throw_with_nested(std::runtime_error(std::to_string(i)));
            } catch (...) {
                e = std::current_exception();
            }
        }
    }
    try {
        std::rethrow_exception(sent(e));
    } catch (const std::runtime_error& outer) {
        EXPECT_STREQ(outer.what(), "99");
        EXPECT_EQ(texts_of(outer).size(), 32u);
    }
}

}  // namespace
