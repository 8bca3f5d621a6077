#include <cadre/detail/call/call_errors.hpp>

#include <cadre/errors.hpp>

namespace cadre::detail {

bool is_worker_death(const std::exception_ptr& error) noexcept {
    try {
        std::rethrow_exception(error);
    } catch (const worker_crashed&) {
        return true;
    } catch (const worker_lost&) {
        return true;
    } catch (const task_killed&) {
        return true;
    } catch (...) {
        return false;
    }
}

}  // namespace cadre::detail
