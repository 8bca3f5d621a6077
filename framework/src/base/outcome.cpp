#include <cadre/outcome.hpp>

#include <cxxabi.h>

#include <cstdlib>
#include <memory>

namespace cadre::detail {

std::string describe(const std::exception_ptr& error) {
    if (error == nullptr) return {};
    try {
        std::rethrow_exception(error);
    } catch (const std::exception& e) {
        return e.what();
    } catch (...) {
        const std::type_info* type = abi::__cxa_current_exception_type();
        if (type == nullptr) return "unknown exception";
        int status = 0;
        const std::unique_ptr<char, decltype(&std::free)> name(
            abi::__cxa_demangle(type->name(), nullptr, nullptr, &status), &std::free);
        return std::string("exception of type ") + (status == 0 ? name.get() : type->name());
    }
}

}  // namespace cadre::detail
