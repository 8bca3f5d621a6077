#include <cadre/detail/call/stop_forwarder.hpp>

namespace cadre::detail {

stop_forwarder::stop_forwarder(stop_state* stop, deferred_action::function action, void* context) noexcept
    : stop_(stop), action_(action), context_(context) {
    if (stop_ == nullptr) return;
    node_.self = this;
    node_.fire = [](stop_node* n, stop_reason why) noexcept {
        stop_forwarder& self = *static_cast<node*>(n)->self;
        self.deferred_.post(self.action_, self.context_, why);
    };
    stop_->add(node_);
}

stop_forwarder::~stop_forwarder() {
    if (stop_ != nullptr) stop_->remove(node_);
    deferred_.settle();
}

}  // namespace cadre::detail
