#include "codec/known_exceptions.hpp"

#include <any>
#include <filesystem>
#include <functional>
#include <future>
#include <ios>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <regex>
#include <stdexcept>
#include <string>
#include <system_error>
#include <tuple>
#include <type_traits>
#include <typeinfo>
#include <unordered_map>
#include <variant>

#include <cadre/detail/codec/codec.hpp>
#include <cadre/errors.hpp>

namespace cadre::detail {

namespace {

/// A category that only the worker knows: the error code keeps its value and the name of its category.
class foreign_category final : public std::error_category {
public:
    explicit foreign_category(std::string name) : name_(std::move(name)) {}
    [[nodiscard]] const char* name() const noexcept override { return name_.c_str(); }
    [[nodiscard]] std::string message(int value) const override { return name_ + " error " + std::to_string(value); }

private:
    std::string name_;
};

/// Categories are compared by address and never destroyed: one for each name, with a limit, because a hostile worker
/// may invent names.
const std::error_category& category_named(const std::string& name) {
    constexpr std::size_t max_categories = 1024;
    constexpr std::size_t max_name = 128;
    static const foreign_category unknown("unknown");
    for (const std::error_category* standard :
         {&std::generic_category(), &std::system_category(), &std::iostream_category(), &std::future_category()}) {
        if (name == standard->name()) return *standard;
    }
    static std::mutex mutex;  // a leaf: guards the table
    static auto& known = *new std::unordered_map<std::string, foreign_category>;
    const std::lock_guard lock(mutex);
    if (const auto found = known.find(name); found != known.end()) return found->second;
    if (known.size() == max_categories || name.size() > max_name) return unknown;
    return known.try_emplace(name, name).first->second;
}

void save_code(encoder& out, const std::error_code& code) {
    encode(out, code.value());
    encode(out, std::string(code.category().name()));
}

std::error_code load_code(decoder& in) {
    const int value = decode<int>(in);
    return {value, category_named(decode<std::string>(in))};
}

/// Removes the ": message" that the constructors of system_error append again.
std::string without_message(const std::string& text, const std::string& message) {
    if (text == message) return {};
    const std::string suffix = ": " + message;
    return text.ends_with(suffix) ? text.substr(0, text.size() - suffix.size()) : text;
}

/// Encodes the state of a class in addition to its text; most classes have no such state.
template <class E>
struct state_of {
    static void save(encoder&, const E&) {}
    static E load(decoder&, const std::string& text) {
        if constexpr (std::is_constructible_v<E, const std::string&>)
            return E(text);
        else
            return E();
    }
};

template <class E>
    requires(std::same_as<E, std::system_error> || std::same_as<E, std::ios_base::failure>)
struct state_of<E> {
    static void save(encoder& out, const E& e) {
        save_code(out, e.code());
        encode(out, without_message(e.what(), e.code().message()));
    }
    static E load(decoder& in, const std::string&) {
        const std::error_code code = load_code(in);
        const std::string text = decode<std::string>(in);
        if constexpr (std::same_as<E, std::system_error>)
            return text.empty() ? E(code) : E(code, text);
        else
            return E(text, code);
    }
};

template <>
struct state_of<std::filesystem::filesystem_error> {
    static void save(encoder& out, const std::filesystem::filesystem_error& e) {
        save_code(out, e.code());
        encode(out, e.path1());
        encode(out, e.path2());
    }
    static std::filesystem::filesystem_error load(decoder& in, const std::string& text) {
        const std::error_code code = load_code(in);
        const auto first = decode<std::filesystem::path>(in);
        return {text, first, decode<std::filesystem::path>(in), code};
    }
};

template <>
struct state_of<std::future_error> {
    static void save(encoder& out, const std::future_error& e) { encode(out, e.code().value()); }
    static std::future_error load(decoder& in, const std::string&) {
        return std::future_error(static_cast<std::future_errc>(decode<int>(in)));
    }
};

template <>
struct state_of<std::regex_error> {
    static void save(encoder& out, const std::regex_error& e) { encode(out, static_cast<int>(e.code())); }
    static std::regex_error load(decoder& in, const std::string&) {
        return std::regex_error(static_cast<std::regex_constants::error_type>(decode<int>(in)));
    }
};

template <>
struct state_of<remote_error> {
    static void save(encoder& out, const remote_error& e) { encode(out, e.type_name()); }
    static remote_error load(decoder& in, const std::string& text) { return {decode<std::string>(in), text}; }
};

template <>
struct state_of<worker_crashed> {
    static void save(encoder& out, const worker_crashed& e) {
        encode(out, worker_death{e.pid(), e.signal(), e.exit_code(), e.task_name(), e.stack_trace(), e.peak_memory()});
    }
    static worker_crashed load(decoder& in, const std::string& text) { return {text, decode<worker_death>(in)}; }
};

template <>
struct state_of<worker_lost> {
    static void save(encoder& out, const worker_lost& e) {
        encode(out, e.pid());
        encode(out, e.task_name());
    }
    static worker_lost load(decoder& in, const std::string& text) {
        const auto pid = decode<pid_t>(in);
        return {text, pid, decode<std::string>(in)};
    }
};

template <>
struct state_of<task_killed> {
    static void save(encoder& out, const task_killed& e) {
        encode(out, e.reason());
        encode(out, e.pid());
    }
    static task_killed load(decoder& in, const std::string& text) {
        const auto reason = decode<kill_reason>(in);
        if (reason > kill_reason::requested) throw_malformed("a kill reason is unknown");
        return {text, reason, decode<pid_t>(in)};
    }
};

template <class E>
bool is_a(const std::exception& e) {
    if constexpr (std::same_as<E, std::exception>)
        return true;
    else
        return dynamic_cast<const E*>(&e) != nullptr;
}

template <class E>
constexpr known_exception known() {
    return {typeid(E), &is_a<E>,
            [](encoder& out, const std::exception& e) { state_of<E>::save(out, dynamic_cast<const E&>(e)); },
            [](decoder& in, const exception_origin& origin, const std::exception_ptr& inner) {
                return rebuild_exception(state_of<E>::load(in, origin.text), origin, inner);
            }};
}

template <class... Es>
std::span<const known_exception> table() {
    static const known_exception entries[] = {known<Es>()...};
    return entries;
}

}  // namespace

std::span<const known_exception> known_exceptions() {
    return table<
        // of this library
        config_error, cancelled, timed_out, channel_closed, broken_barrier, executor_stopped, overloaded, not_portable,
        remote_error, worker_crashed, worker_lost, task_killed, codec_error, error,
        // std::system_error and the classes derived from it
        std::ios_base::failure, std::filesystem::filesystem_error, std::system_error,
        // other runtime errors
        std::range_error, std::overflow_error, std::underflow_error, std::regex_error, std::runtime_error,
        // logic errors
        std::domain_error, std::invalid_argument, std::length_error, std::out_of_range, std::future_error,
        std::logic_error,
        // the rest
        std::bad_array_new_length, std::bad_alloc, std::bad_any_cast, std::bad_cast, std::bad_typeid,
        std::bad_exception, std::bad_function_call, std::bad_optional_access, std::bad_variant_access,
        std::bad_weak_ptr, std::exception>();
}

std::size_t find_known(const std::exception& e) {
    const auto all = known_exceptions();
    std::size_t i = 0;
    while (!all[i].matches(e))
        ++i;  // the last matches every std::exception
    return i;
}

}  // namespace cadre::detail
