/// @file
/// A program and its agents over a simulated engine.
#pragma once

#include "executors/node/in_process_pool.hpp"
#include "executors/node/simulated_engine.hpp"
#include "node/agent.hpp"
#include "node/node_backend.hpp"

#include <cadre/executor.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace simulated {

/// An agent with a thread of its own, on a host of the given name.
class served_agent {
public:
    served_agent(engine& e, const std::string& host, node::pool_factory pool)
        : agent_(e.agent_link(), std::move(pool), host), thread_([this] { agent_.serve(false); }) {}
    served_agent(const served_agent&) = delete;
    served_agent& operator=(const served_agent&) = delete;
    ~served_agent() {
        agent_.leave();
        thread_.join();
    }

private:
    node::agent agent_;
    std::thread thread_;
};

/// Pools that run calls in this process.
[[nodiscard]] inline node::pool_factory in_process_pools(std::uint64_t seed) {
    return [seed](const cadre::process_options&, cadre::detail::pool_role) { return make_in_process_pool(1, seed); };
}

struct cluster_options {
    engine_options engine{};
    std::size_t agents = 2;
    bool local = false;
    cadre::process_options pool{};
    node::pool_factory make_pool{};
};

class cluster {
public:
    explicit cluster(const cluster_options& options) : engine_(std::make_shared<engine>(options.engine)) {
        const auto pool = options.make_pool ? options.make_pool : in_process_pools(options.engine.seed);
        for (std::size_t i = 0; i < options.agents; ++i)
            agents_.push_back(std::make_unique<served_agent>(*engine_, "node" + std::to_string(i + 1), pool));
        node::node_settings settings;
        settings.name = "cluster";
        settings.host = "home";
        settings.pool = options.pool;
        settings.local = options.local;
        settings.make_pool = pool;
        settings.nodes = options.engine.what == fault::none ? options.agents : 0;  // a fault may hit the start
        program_ = cadre::executor(node::node_backend::create(std::move(settings), engine_->program_link()));
    }

    [[nodiscard]] const cadre::executor& program() const noexcept { return program_; }
    [[nodiscard]] engine& messages() noexcept { return *engine_; }
    /// An agent leaves in order.
    void remove_agent() { agents_.pop_back(); }
    void add_agent(const std::string& host, node::pool_factory pool) {
        agents_.push_back(std::make_unique<served_agent>(*engine_, host, std::move(pool)));
    }

private:
    std::shared_ptr<engine> engine_;
    std::vector<std::unique_ptr<served_agent>> agents_;
    cadre::executor program_;
};

}  // namespace simulated
