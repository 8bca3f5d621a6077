/// @file
/// The process executor in the parent.
#pragma once

#include "common/pool_role.hpp"
#include "process/parent/pool.hpp"
#include "process/parent/supervisor.hpp"

#include <cadre/detail/scheduler/event_source.hpp>
#include <cadre/detail/scheduler/portable_call.hpp>
#include <cadre/detail/scheduler/task_limits.hpp>
#include <cadre/dump_tasks.hpp>
#include <cadre/executor.hpp>
#include <cadre/executor_backend.hpp>
#include <cadre/executors/process_options.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <string>

namespace cadre::detail {

class process_backend final : public executor_backend,
                              private portable_identity,
                              private borrowed_arguments,
                              private raw_chunks,
                              private task_limits,
                              private chunk_progress_source,
                              private pool_load_source,
                              private home_downstream,
                              private remote_tasks {
public:
    /// Starts the workers. @throws config_error, std::system_error
    [[nodiscard]] static std::shared_ptr<process_backend> create(const process_options& options, pool_role role);
    ~process_backend() override;

    [[nodiscard]] executor_kind kind() const noexcept override { return executor_kind::process; }
    [[nodiscard]] std::size_t concurrency() const noexcept override { return pool_->workers(); }
    [[nodiscard]] std::string name() const override { return pool_->name(); }
    [[nodiscard]] executor_stats stats() const override { return pool_->stats(); }
    [[nodiscard]] bool remote() const noexcept override { return true; }
    [[nodiscard]] bool limits_calls() const noexcept override { return true; }
    [[nodiscard]] bool passes_descriptors() const noexcept override { return true; }
    [[nodiscard]] int default_retries() const noexcept override { return pool_->default_retries(); }
    void submit(std::span<work_item* const> items) noexcept override;
    void submit(std::span<portable_call* const> calls) noexcept override { pool_->submit(calls); }
    void request_stop(portable_call& call, stop_reason why) noexcept override { pool_->request_stop(call, why); }
    void request_stop() noexcept override { pool_->request_stop_all(stop_reason::requested); }
    [[nodiscard]] memory_domain* domain() noexcept override { return &pool_->domain(); }
    [[nodiscard]] void* query(const std::type_info& extension) noexcept override;
    void shutdown(std::chrono::steady_clock::time_point deadline, std::function<void()> done) override;

private:
    /// The event source that delivers completions to the parent's run loop.
    class completions final : public event_source {
    public:
        explicit completions(process_parent::pool& p) noexcept : pool_(p) {}
        bool poll() noexcept override { return pool_.poll(); }
        [[nodiscard]] bool expects_soon() const noexcept override { return pool_.expects_soon(); }
        [[nodiscard]] bool may_spin() const noexcept override { return pool_.expects_soon(); }
        void announce_polling() noexcept override { pool_.set_loop_state(process_plane::loop_state::polling); }
        void announce_busy() noexcept override { pool_.set_loop_busy(); }
        void announce_sleep() noexcept override { pool_.set_loop_state(process_plane::loop_state::asleep); }
        void announce_awake() noexcept override { pool_.set_loop_busy(); }

    private:
        process_parent::pool& pool_;
    };

    process_backend(const process_options& options, pool_role role);
    static void release(process_backend* last) noexcept;
    [[nodiscard]] std::chrono::nanoseconds default_limit() const noexcept override { return pool_->task_timeout(); }
    [[nodiscard]] executor_identity portable_id() const noexcept override { return pool_->portable_id(); }
    void answer(std::uint64_t worker, std::uint64_t ticket, std::span<const std::byte> body) noexcept override {
        pool_->answer_from_home(worker, ticket, body);
    }
    void abandon(std::uint64_t worker) noexcept override { pool_->abandon(worker); }
    [[nodiscard]] pool_load load() const noexcept override { return pool_->load(); }
    [[nodiscard]] bool progress_of(const portable_call& call, std::size_t known_results, std::size_t known_errors,
                                   chunk_progress_report& report) override {
        return pool_->progress_of(call, known_results, known_errors, report);
    }
    [[nodiscard]] std::string dump(std::chrono::nanoseconds limit) override { return pool_->dump_tasks(limit); }

    std::shared_ptr<process_parent::pool> pool_;
    completions completions_;
    std::optional<process_parent::supervisor> supervisor_;
    bool polled_ = false;
};

}  // namespace cadre::detail
