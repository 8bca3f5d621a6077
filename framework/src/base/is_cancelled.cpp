#include <cadre/detail/base/is_cancelled.hpp>

#include <cadre/errors.hpp>

namespace cadre::detail {

bool is_cancelled(const std::exception_ptr& error) noexcept {
    try {
        std::rethrow_exception(error);
    } catch (const cancelled&) {
        return true;
    } catch (...) {
        return false;
    }
}

}  // namespace cadre::detail
