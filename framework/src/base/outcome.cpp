#include <cadre/outcome.hpp>

#include "base/exception_text.hpp"
#include "base/type_name.hpp"

namespace cadre::detail {

std::string describe(const std::exception_ptr& error) {
    if (error == nullptr) return {};
    try {
        std::rethrow_exception(error);
    } catch (const std::exception& e) {
        return text_of(e);
    } catch (...) {
        return "exception of type " + current_exception_type_name();
    }
}

}  // namespace cadre::detail
