#include "base/type_name.hpp"

#include <cxxabi.h>

#include <boost/core/demangle.hpp>

namespace cadre::detail {

std::string type_name(const std::type_info& type) { return boost::core::demangle(type.name()); }

std::string current_exception_type_name() {
    const std::type_info* const type = abi::__cxa_current_exception_type();
    return type != nullptr ? type_name(*type) : "unknown";
}

}  // namespace cadre::detail
