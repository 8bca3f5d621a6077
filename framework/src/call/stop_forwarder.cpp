#include <cadre/detail/call/stop_forwarder.hpp>

namespace cadre::detail {

stop_forwarder::stop_forwarder(stop_state* stop, action_function action, void* context) noexcept
    : stop_(stop), action_(action), context_(context) {
    if (stop_ == nullptr) return;
    node_.self = this;
    node_.fire = [](stop_node* n, stop_reason why) noexcept {
        stop_forwarder& self = *static_cast<node*>(n)->self;
        (why > stop_reason::requested ? self.stronger_ : self.requested_).post(&forward, &self);
    };
    stop_->add(node_);
}

stop_forwarder::~stop_forwarder() {
    if (stop_ != nullptr) stop_->remove(node_);
    requested_.settle();
    stronger_.settle();
}

void stop_forwarder::forward(void* self) noexcept {
    auto& forwarder = *static_cast<stop_forwarder*>(self);
    forwarder.action_(forwarder.context_, forwarder.stop_->reason());
}

}  // namespace cadre::detail
