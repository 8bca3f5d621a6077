#include "runtime/uncaught.hpp"

#include <cadre/errors.hpp>
#include <cadre/register_exception.hpp>
#include <cadre/runtime.hpp>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cxxabi.h>
#include <exception>
#include <sstream>
#include <string_view>
#include <typeinfo>

#include "base/bar_terminal.hpp"
#include "base/exception_text.hpp"
#include "base/type_name.hpp"
#include "coroutine/trace_recorder.hpp"
#include <cadre/detail/codec/exception_codec.hpp>

namespace cadre::detail {
namespace {

// The type originally thrown, even if the error was decoded as a different type.
std::string thrown_type(const std::exception& e) {
    if (const auto* const remote = dynamic_cast<const remote_error*>(&e)) return remote->type_name();
    if (const auto* const rebuilt_here = dynamic_cast<const remote_origin*>(&e))
        return rebuilt_here->origin().type_name;
    return type_name(typeid(e));
}

std::string in_one_line(std::string text) {
    std::ranges::replace(text, '\n', ' ');
    return text;
}

std::string indented(const std::string& stack) {
    std::string result;
    std::istringstream lines(stack);
    for (std::string line; std::getline(lines, line);)
        result += "    " + line + '\n';
    return result;
}

// Names each error that is nested in `e`, from the outermost.
std::string causes(const std::exception& e);

// Of a deadlock, whose tasks follow.
std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

std::string line_of(const std::exception& e) {
    const bool has_more = dynamic_cast<const deadlock*>(&e) != nullptr;
    std::string line = thrown_type(e) + ": " + (has_more ? first_line(e.what()) : in_one_line(text_of(e)));
    if (const std::string origin = error_origin(e); !origin.empty()) line += " (" + origin + ")";
    return line + causes(e);
}

std::string causes(const std::exception& e) {
    try {
        std::rethrow_if_nested(e);
        return {};
    } catch (const std::exception& inner) {
        return ", caused by " + line_of(inner);
    } catch (...) {
        return ", caused by an exception of another type";
    }
}

}  // namespace

std::string program_name(const char* path) {
    const std::string_view all = path == nullptr ? std::string_view() : path;
    return std::string(all.substr(all.find_last_of('/') + 1));
}

std::string describe_uncaught(const std::string& program, const std::exception_ptr& error) {
    try {
        std::rethrow_exception(error);
    } catch (const std::exception& e) {
        std::string text = program + ": " + line_of(e) + '\n';
        if (const auto* const crash = dynamic_cast<const worker_crashed*>(&e); crash != nullptr)
            text += indented(crash->stack_trace());
        if (dynamic_cast<const deadlock*>(&e) != nullptr) {
            const std::string all = e.what();
            text += all.substr(std::min(first_line(all).size() + 1, all.size())) + '\n';
        }
        return text;
    } catch (...) {
        const std::type_info* const type = abi::__cxa_current_exception_type();
        return program + ": an exception of type " + (type == nullptr ? std::string("unknown") : type_name(*type)) +
               '\n';
    }
}

namespace {

// Without an exception, std::terminate was called by the program itself.
[[noreturn]] void report_and_abort() noexcept {
    release_bar_terminal();
    if (const std::exception_ptr error = std::current_exception(); error != nullptr) {
        try {
            const std::string text = describe_uncaught(program_name(program_invocation_name), error);
            std::fputs(text.c_str(), stderr);
        } catch (...) {
            std::fputs("terminated by an exception\n", stderr);
        }
    }
    trace::finish();
    std::abort();
}

}  // namespace

void install_terminate_handler() noexcept {
    if (std::get_terminate() == &__gnu_cxx::__verbose_terminate_handler) std::set_terminate(&report_and_abort);
}

int report_uncaught(const char* program) {
    const std::string text = describe_uncaught(program_name(program), std::current_exception());
    std::fflush(stdout);
    std::fputs(text.c_str(), stderr);
    return EXIT_FAILURE;
}

}  // namespace cadre::detail
