#include <cadre/executors/worker_action.hpp>

#include <algorithm>
#include <deque>
#include <mutex>

namespace cadre::detail {

const stored_action* store_action(action_runner run, byte_buffer bytes, codec_context context) {
    static std::mutex mutex;  // a leaf
    static auto* const all = new std::deque<stored_action>;  // executors may outlive static destruction
    const std::lock_guard hold(mutex);
    const auto same = std::ranges::find_if(
        *all, [&](const stored_action& a) { return a.run == run && std::ranges::equal(a.bytes.span(), bytes.span()); });
    if (same != all->end()) return &*same;
    all->push_back({run, std::move(bytes), std::move(context)});
    return &all->back();
}

}  // namespace cadre::detail

namespace cadre {

void worker_action::operator()() const {
    if (action_ != nullptr) action_->run(action_->bytes.span());
}

}  // namespace cadre
