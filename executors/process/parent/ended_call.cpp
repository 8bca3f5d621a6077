#include "process/parent/ended_call.hpp"

#include "common/completion_scope.hpp"

namespace cadre::detail::process_parent {

void complete_all(ended_calls& ended) noexcept {
    if (ended.empty()) return;
    const completion_scope scope;
    for (ended_call& e : ended)
        if (e.taken_back_from != 0)
            e.call->take_back(e.taken_back_from);
        else
            e.call->complete(std::move(e.reply));
    ended.clear();
}

}  // namespace cadre::detail::process_parent
