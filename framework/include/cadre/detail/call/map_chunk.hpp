/// @file
/// The caller's side of a chunk of a map: one kind for local executors, one for remote ones.
#pragma once

#include <coroutine>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <cadre/detail/call/map_driver.hpp>
#include <cadre/detail/call/map_item.hpp>
#include <cadre/detail/call/map_trampoline.hpp>
#include <cadre/detail/call/remote_call.hpp>
#include <cadre/detail/scheduler/task_root.hpp>

namespace cadre::detail {

/// What both kinds of chunks have: which items, and the time limit of a single one.
class map_chunk : public chunk_inbox::chunk {
public:
    virtual ~map_chunk() = default;

    std::size_t first = 0;  ///< index of its first item in the input
    int retries_left = 0;

    /// Arms a limit for a chunk of one item below `parent`. @return the stop state for the work
    stop_state& limit(timer_service& timers, std::chrono::nanoseconds d, stop_state& parent) {
        if (d.count() <= 0) return parent;
        deadline_.emplace();
        deadline_->arm(timers, deadline_after(d), &parent);
        return deadline_->stop();
    }
    /// Once, at the end. @return whether the limit had passed
    [[nodiscard]] bool limit_passed() noexcept { return deadline_ && deadline_->disarm(); }
    [[nodiscard]] bool limited() const noexcept { return deadline_.has_value(); }

private:
    std::optional<deadline_stop> deadline_;
};

template <class F, class Item>
class local_chunk final : public map_chunk, public task_root {
    using bound = item_bound<F, Item>;
    using result = typename bound::result;

public:
    local_chunk(const executor& ex, std::string name, const F& f, std::vector<Item>&& items, stop_state& stop,
                std::chrono::nanoseconds item_limit, chunk_inbox& inbox)
        : task_root(ex.backend(), &limit(ex.backend()->timers(), item_limit, stop), std::move(name)), function_(f),
          items_(std::move(items)), inbox_(inbox) {
        outcomes.reserve(items_.size());
    }
    /// Starts the chunk; it comes back through the inbox.
    void launch() noexcept {
        if (task_root::launch()) return;
        fail_all(std::make_exception_ptr(executor_stopped{}));
        ended();
    }
    std::vector<outcome<result>> outcomes;

private:
    void fail_all(const std::exception_ptr& error) {
        while (outcomes.size() < items_.size())
            outcomes.emplace_back(error);
    }
    std::coroutine_handle<> start() noexcept override {
        if (this->stop().stop_requested()) {
            fail_all(std::make_exception_ptr(cancelled{}));
            finish_now();
            return std::noop_coroutine();
        }
        if constexpr (bound::coroutine) {
            task_ = run();
            return begin(task_.frame(), task_.frame().promise());
        } else {
            for (auto&& item : items_) {
                try {
                    if constexpr (std::is_void_v<result>) {
                        item_call<F, Item>::bind(function_, static_cast<Item&&>(item))();
                        outcomes.emplace_back();
                    } else {
                        outcomes.emplace_back(item_call<F, Item>::bind(function_, static_cast<Item&&>(item))());
                    }
                } catch (...) {
                    outcomes.emplace_back(std::current_exception());
                }
            }
            finish_now();
            return std::noop_coroutine();
        }
    }
    task<void> run() {
        for (auto&& item : items_) {
            std::exception_ptr error;
            try {
                auto call = item_call<F, Item>::bind(function_, static_cast<Item&&>(item));
                if constexpr (std::is_void_v<result>) {
                    co_await call();
                    outcomes.emplace_back();
                } else {
                    outcomes.emplace_back(co_await call());
                }
            } catch (...) {
                error = std::current_exception();
            }
            if (error != nullptr) outcomes.emplace_back(std::move(error));
        }
    }
    void ended() noexcept override { inbox_.push(*this); }

    const F& function_;
    std::vector<Item> items_;  // of bool, too: its elements are proxies
    chunk_inbox& inbox_;
    task<void> task_;
};

/// Reusable: filled, submitted and read any number of times.
template <class F, class Item>
class remote_chunk final : public map_chunk, public portable_call {
    using bound = item_bound<F, Item>;
    using result = typename bound::result;

public:
    remote_chunk(std::shared_ptr<executor_backend> backend, chunk_inbox& inbox)
        : backend_(std::move(backend)), inbox_(inbox) {
        entry = map_trampoline_of<bound>();
        stop_node_.self = this;
        stop_node_.fire = [](stop_node* n, stop_reason why) noexcept {
            remote_chunk& self = *static_cast<node*>(n)->self;
            self.backend_->request_stop(self, why);
        };
    }

    void begin(const F& f, std::size_t first_index) {
        first = first_index;
        items = 0;
        offsets_.clear();
        encoded_.clear();
        encoder out(encoded_, &context_);
        encode(out, f);
        header_ = encoded_.size();
    }
    void add(const F& f, Item&& item) {
        offsets_.push_back(encoded_.size());
        encoder out(encoded_, &context_);
        const auto call = item_call<F, Item>::bind(f, std::move(item));
        std::apply([&](const auto&... as) { (encode(out, as), ...); }, call.stored());
        ++items;
    }
    /// Takes the items `from`… of `other`, which failed before it came to them.
    void add_rest(const remote_chunk& other, std::uint32_t from) {
        const std::span<const std::byte> bytes = other.encoded_.span();
        const std::size_t base = other.offsets_[from];
        for (std::uint32_t i = from; i < other.items; ++i)
            offsets_.push_back(encoded_.size() + other.offsets_[i] - base);
        encoded_.append(bytes.subspan(base));
        items += other.items - from;
    }
    /// Only item `i` of `other`.
    void add_one(const remote_chunk& other, std::uint32_t i) {
        const std::span<const std::byte> bytes = other.encoded_.span();
        const std::size_t end = i + 1 < other.items ? other.offsets_[i + 1] : bytes.size();
        offsets_.push_back(encoded_.size());
        encoded_.append(bytes.subspan(other.offsets_[i], end - other.offsets_[i]));
        ++items;
    }
    void prepare(stop_state& stop, std::chrono::nanoseconds item_limit, call_options settings) {
        options = std::move(settings);
        stop_ = &limit(default_timers(), item_limit, stop);
        id = next_task_id();
    }
    /// Enters the work into the executor's books. @return false if the executor takes no more: it has come back then
    [[nodiscard]] bool admit() noexcept {
        if (!backend_->registry().enter(root_)) {
            reply = {};
            reply.kind = reply_kind::failure;
            reply.error = std::make_exception_ptr(executor_stopped{});
            inbox_.push(*this);
            return false;
        }
        arguments.clear();
        arguments.append(encoded_.span());
        stop_->add(stop_node_);
        listening_ = true;
        return true;
    }
    /// After the submission. A request that came before it is repeated; this chunk may have come back by now, but it is not
    /// reused before the driver, which runs on this thread, has seen it.
    void submitted() noexcept {
        if (const stop_reason why = stop_->reason(); why != stop_reason::none) backend_->request_stop(*this, why);
    }
    void read_values(std::vector<std::optional<outcome<result>>>& into) {
        codec_context context;
        decoder in(reply.kind == reply_kind::value ? reply.bytes.span() : reply.partial.span(), &context);
        const std::uint32_t n = reply.kind == reply_kind::value ? items : std::min(reply.items_done, items);
        for (std::uint32_t i = 0; i < n; ++i)
            into[first + i].emplace(decode_item<result>(in, reply.where));
    }
    /// Driver: after it came back.
    void settle() noexcept {
        if (std::exchange(listening_, false)) stop_->remove(stop_node_);
    }
    call_reply reply;

private:
    struct node : stop_node {
        remote_chunk* self = nullptr;
    };
    void complete(call_reply r) noexcept override {
        reply = std::move(r);
        work_registry& registry = backend_->registry();
        registry.begin_leave(root_);
        inbox_.push(*this);
        registry.finish_leave();
    }

    std::shared_ptr<executor_backend> backend_;
    chunk_inbox& inbox_;
    codec_context context_;
    byte_buffer encoded_;  // kept beside `arguments`: what did not run is sent again
    std::vector<std::size_t> offsets_;
    std::size_t header_ = 0;
    stop_state* stop_ = nullptr;
    node stop_node_;
    bool listening_ = false;
    work_root root_;
};

}  // namespace cadre::detail
