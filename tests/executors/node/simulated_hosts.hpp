/// @file
/// An executor whose two hosts are agents in this process, each with worker processes of its own.
#pragma once

#include "simulated_run.hpp"

#include "node/agent.hpp"
#include "node/node_backend.hpp"
#include "process/process_pool.hpp"

#include <cadre/executor.hpp>

#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace cadre::node_tests {

/// The program's link. Its end ends the agents.
class simulated_hosts final : public node_link {
public:
    simulated_hosts(const simulated_run::options& options, int agents) : run_(options), program_(run_.program()) {
        for (int i = 0; i != agents; ++i) {
            agents_.push_back(
                std::make_unique<agent>(run_.agent(), detail::make_process_pool, "host " + std::to_string(i)));
            threads_.emplace_back([a = agents_.back().get()] { a->serve(true); });
        }
    }
    ~simulated_hosts() override {
        stop({});
        for (auto& a : agents_)
            a->leave();
        for (auto& t : threads_)
            t.join();
    }
    void start(node_link_events& events, byte_buffer hello) override { program_->start(events, std::move(hello)); }
    void publish(target to, node_id to_agent, byte_buffer body) noexcept override {
        program_->publish(to, to_agent, std::move(body));
    }
    void acknowledge(std::uint64_t tag) noexcept override { program_->acknowledge(tag); }
    void set_credit(std::uint32_t messages) noexcept override { program_->set_credit(messages); }
    void drain_work() noexcept override { program_->drain_work(); }
    [[nodiscard]] bool redelivers() const noexcept override { return program_->redelivers(); }
    void stop(std::chrono::steady_clock::time_point deadline) noexcept override { program_->stop(deadline); }

private:
    simulated_run run_;
    std::unique_ptr<node_link> program_;
    std::vector<std::unique_ptr<agent>> agents_;
    std::vector<std::thread> threads_;
};

/// `workers` on each of two hosts.
inline executor make_hosts(int workers, process_options pool = {}, simulated_run::options options = {},
                           bool local = false) {
    pool.workers = workers;
    node_settings settings;
    settings.name = "hosts";
    settings.host = "program";
    settings.pool = pool;
    settings.nodes = 2;
    settings.local = local;
    settings.make_pool = detail::make_process_pool;
    return executor(node_backend::create(std::move(settings), std::make_unique<simulated_hosts>(options, 2)));
}

}  // namespace cadre::node_tests
