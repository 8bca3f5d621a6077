#include <cadre/detail/state/portable_action.hpp>

#include <atomic>

namespace cadre::detail {

namespace {
// Nodes are added at the front, and stay: their library may be loaded at any time.
constinit std::atomic<void*> first_reader{nullptr};
}  // namespace

portable_action::known_reader::known_reader(reader r) noexcept : read(r), next(nullptr) {
    void* first = first_reader.load(std::memory_order_relaxed);
    do
        next = static_cast<known_reader*>(first);
    while (!first_reader.compare_exchange_weak(first, this, std::memory_order_release, std::memory_order_relaxed));
}

bool portable_action::known(reader r) noexcept {
    for (auto* k = static_cast<known_reader*>(first_reader.load(std::memory_order_acquire)); k != nullptr; k = k->next)
        if (k->read == r) return true;
    return false;
}

void portable_action::encode(encoder& out) const {
    out.write_byte(callable_ != nullptr ? 1 : 0);
    if (callable_ != nullptr) callable_->encode(out);
}

portable_action portable_action::decode(decoder& in) {
    const std::uint8_t present = in.read_byte();
    if (present > 1) throw_malformed("the presence flag of an action is neither 0 nor 1");
    if (present == 0) return {};
    const auto read = detail::decode<reader>(in);
    if (!known(read)) throw_malformed("the name of an action is no action of this program");
    return read(in);
}

}  // namespace cadre::detail
