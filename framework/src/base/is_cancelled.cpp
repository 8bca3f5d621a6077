#include <cadre/detail/base/is_cancelled.hpp>

#include <typeinfo>

#include <cadre/errors.hpp>

namespace cadre::detail {

// Many tasks may be stopped at the same time, and a throw is most of the cost of each end. Therefore the type is
// compared first, without a throw.
bool is_cancelled(const std::exception_ptr& error) noexcept {
    if (*error.__cxa_exception_type() == typeid(cancelled)) return true;
    try {
        std::rethrow_exception(error);
    } catch (const cancelled&) {
        return true;
    } catch (...) {
        return false;
    }
}

}  // namespace cadre::detail
