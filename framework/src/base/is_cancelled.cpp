#include <cadre/detail/base/is_cancelled.hpp>

#include <typeinfo>

#include <cadre/errors.hpp>

namespace cadre::detail {

// Many tasks may be stopped at once, and a throw is most of what the end of each costs: the type itself is looked at
// first.
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
