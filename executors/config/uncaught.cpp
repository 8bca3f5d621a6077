#include "config/uncaught.hpp"

#include <cadre/errors.hpp>
#include <cadre/register_exception.hpp>
#include <cadre/runtime.hpp>

#include <algorithm>
#include <cstdio>
#include <cxxabi.h>
#include <sstream>
#include <string_view>
#include <typeinfo>

#include "base/type_name.hpp"
#include <cadre/detail/codec/exception_codec.hpp>

namespace cadre::detail {
namespace {

// The type originally thrown, even if the error was decoded as a different type.
std::string thrown_type(const std::exception& e) {
    if (const auto* const remote = dynamic_cast<const remote_error*>(&e)) {
        return remote->type_name();
    }
    if (const auto* const rebuilt_here = dynamic_cast<const remote_origin*>(&e)) {
        return rebuilt_here->origin().type_name;
    }
    return type_name(typeid(e));
}

std::string in_one_line(std::string text) {
    std::ranges::replace(text, '\n', ' ');
    return text;
}

std::string indented(const std::string& stack) {
    std::string result;
    std::istringstream lines(stack);
    for (std::string line; std::getline(lines, line);) {
        result += "    " + line + '\n';
    }
    return result;
}

// Names each error that is nested in `e`, from the outermost.
std::string causes(const std::exception& e);

std::string line_of(const std::exception& e) {
    std::string line = thrown_type(e) + ": " + in_one_line(e.what());
    if (const std::string origin = error_origin(e); !origin.empty()) {
        line += " (" + origin + ")";
    }
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
        const auto* const crash = dynamic_cast<const worker_crashed*>(&e);
        return program + ": " + line_of(e) + '\n' + (crash == nullptr ? std::string() : indented(crash->stack_trace()));
    } catch (...) {
        const std::type_info* const type = abi::__cxa_current_exception_type();
        return program + ": an exception of type " + (type == nullptr ? std::string("unknown") : type_name(*type)) +
               '\n';
    }
}

int report_uncaught(const char* program) {
    const std::string text = describe_uncaught(program_name(program), std::current_exception());
    std::fflush(stdout);
    std::fputs(text.c_str(), stderr);
    return EXIT_FAILURE;
}

}  // namespace cadre::detail
