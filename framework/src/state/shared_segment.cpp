#include <cadre/shared_segment.hpp>

#include <stdexcept>

#include <cadre/detail/codec/codec_stream.hpp>

namespace cadre {

using detail::segment_core;

shared_segment shared_segment::make(const executor& ex, std::size_t bytes, segment_options options) {
    if (bytes < segment_core::min_capacity())
        throw std::invalid_argument("cadre::shared_segment: a segment needs at least " +
                                    std::to_string(segment_core::min_capacity()) + " bytes, got " +
                                    std::to_string(bytes));
    // The workers of these kinds end with the program only.
    const bool one_process = ex.kind() == executor_kind::serial || ex.kind() == executor_kind::thread;
    const bool recoverable = options.recoverable && !one_process;
    shared_array<std::byte> memory{ex, segment_core::block_size(bytes, recoverable)};
    segment_core::make(memory.data(), bytes, recoverable);
    return {std::move(memory), async_shared_mutex(ex)};
}

namespace {

// Undoes the incomplete changes of a writer that has died. @return whether there were any
bool recover(segment_core& core) noexcept {
    const bool half_changed = core.half_changed();
    if (half_changed) core.undo();
    return half_changed;
}

}  // namespace

task<shared_segment::guard> shared_segment::lock() const {
    return [](shared_array<std::byte> memory, async_shared_mutex mutex) -> task<guard> {
        auto held = co_await mutex.lock();
        segment_core& core = segment_core::at(memory.data());
        const bool owner_died = recover(core) || held.owner_died();
        core.begin_writing();
        co_return guard(std::move(memory), std::move(held), owner_died);
    }(memory_, lock_);
}

task<shared_segment::shared_guard> shared_segment::lock_shared() const {
    return [](shared_array<std::byte> memory, async_shared_mutex mutex) -> task<shared_guard> {
        const segment_core& core = segment_core::at(memory.data());
        bool owner_died = false;
        for (;;) {
            auto held = co_await mutex.lock_shared();
            owner_died = owner_died || held.owner_died();
            if (!core.half_changed()) co_return shared_guard(std::move(memory), std::move(held), owner_died);
            held.unlock();
            const auto alone = co_await mutex.lock();  // other readers wait meanwhile
            owner_died = recover(segment_core::at(memory.data())) || owner_died;
        }
    }(memory_, lock_);
}

void shared_segment::encode_handle(detail::encoder& out) const {
    memory_.encode_handle(out);
    lock_.encode_handle(out);
}

shared_segment shared_segment::decode_handle(detail::decoder& in) {
    auto memory = shared_array<std::byte>::decode_handle(in);
    static_cast<void>(segment_core::open(memory.data(), memory.size()));
    return {std::move(memory), async_shared_mutex::decode_handle(in)};
}

}  // namespace cadre
