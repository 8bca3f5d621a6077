#include "process/parent/ended_call.hpp"

#include "process/parent/completion_scope.hpp"

namespace cadre::detail::process_parent {

void complete_all(ended_calls& ended) noexcept {
    const completion_scope scope;
    for (ended_call& e : ended)
        e.call->complete(std::move(e.reply));
    ended.clear();
}

}  // namespace cadre::detail::process_parent
