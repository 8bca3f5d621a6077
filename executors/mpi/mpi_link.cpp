#include "mpi/mpi_link.hpp"

#include "base/process_owner.hpp"
#include "base/signals_blocked.hpp"
#include "common/completion_scope.hpp"
#include "mpi/link_engine.hpp"
#include "mpi/mpi_launch.hpp"
#include "mpi/plugin_loader.hpp"

#include <cadre/detail/scheduler/event_source.hpp>
#include <cadre/errors.hpp>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <future>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

#include <pthread.h>

namespace cadre::detail::mpi {
namespace {

using namespace std::chrono_literals;

// How long a program that ends by `exit` waits for its agents.
constexpr auto exit_limit = 5s;
// A longer wait for MPI_Init is reported on standard error.
constexpr auto init_notice_delay = 10s;

class mpi_link;

// The link of this process, for its exit handler.
struct running_link {
    const process_owner owner{};
    std::mutex mutex{};  // held while the link stops
    mpi_link* link = nullptr;
    bool ever = false;  // whether a link has been started
};

running_link& current() {
    static auto* const one = new running_link;  // never destroyed: exit handlers use it
    return *one;
}

class mpi_link final : public node::node_link {
public:
    explicit mpi_link(const mpi_options& options) : options_(options) {}

    ~mpi_link() override { stop(std::chrono::steady_clock::now() + exit_limit); }

    void start(node::node_link_events& events, byte_buffer hello) override {
        static_cast<void>(check_launch());
        {
            running_link& running = current();
            const std::lock_guard lock(running.mutex);
            if (std::exchange(running.ever, true)) {
                throw config_error(
                    "mpi: a process can join its MPI job only once, and this one has had an executor of kind mpi");
            }
            static_cast<void>(std::atexit([] { stop_at_exit(); }));
        }
        std::promise<void> joined;
        std::future<void> result = joined.get_future();
        engine_ = std::make_shared<link_engine>(options_, events, std::move(hello), *shared_);
        {
            const signals_blocked blocked;
            thread_ = std::make_unique<std::thread>([this, joined = std::move(joined)]() mutable {
                ::pthread_setname_np(::pthread_self(), "mpi link");
                try {
                    engine_->join();
                } catch (...) {
                    joined.set_exception(std::current_exception());
                    return;
                }
                joined.set_value();
                engine_->run();
            });
        }
        if (result.wait_for(init_notice_delay) == std::future_status::timeout) {
            std::fprintf(stderr, "cadre: mpi: waiting for all %d processes of the job to reach MPI_Init\n",
                         mpi_size_of_launcher());
        }
        try {
            result.get();
        } catch (...) {
            thread_->join();
            thread_.reset();
            throw;
        }
        add_event_source(loop_);
        const std::lock_guard lock(current().mutex);
        current().link = this;
    }

    void publish(node::target to, node::node_id agent, byte_buffer body) noexcept override {
        if (!owner_.here()) return;  // a fork: the link is its parent's
        shared_->requests.add({.to = to, .agent = agent, .body = std::move(body)});
        engine_->flush();
        if (shared_->loop.load() == loop_state::asleep || shared_->stands_in.load(std::memory_order_relaxed))
            shared_->requests.wake();
    }

    void acknowledge(std::uint64_t tag) noexcept override {
        if (tag == 0) return;
        shared_->acknowledged.fetch_add(1, std::memory_order_release);
        const std::uint64_t waiting = shared_->unreported.fetch_add(1, std::memory_order_relaxed) + 1;
        if (waiting * 2 >= shared_->credit.load(std::memory_order_relaxed)) shared_->requests.wake();
    }

    void set_credit(std::uint32_t messages) noexcept override {
        shared_->credit.store(messages, std::memory_order_relaxed);
        shared_->credit_changed.store(true, std::memory_order_release);
        shared_->requests.wake();
    }

    void drain_work() noexcept override {
        shared_->requests.add({.drain = true});
        shared_->requests.wake();
    }

    [[nodiscard]] bool redelivers() const noexcept override { return false; }

    void stop(std::chrono::steady_clock::time_point deadline) noexcept override {
        if (!owner_.here()) {
            leak();
            return;
        }
        running_link& running = current();
        const std::lock_guard lock(running.mutex);
        if (running.link == this) {
            stop_thread(deadline);
            running.link = nullptr;
        }
    }

private:
    /// For the loop that drives this process.
    class loop_source final : public event_source {
    public:
        explicit loop_source(const mpi_link& link) noexcept : link_(link) {}
        bool poll() noexcept override {
            const completion_scope scope;  // a completion may drop an executor that is another source of this loop
            return link_.engine_->poll();
        }
        [[nodiscard]] bool expects_soon() const noexcept override {
            return link_.shared_->expects_soon.load(std::memory_order_relaxed);
        }
        [[nodiscard]] bool may_spin() const noexcept override { return expects_soon(); }
        void announce_polling() noexcept override { set(loop_state::polling); }
        void announce_busy() noexcept override { set(loop_state::busy); }
        void announce_sleep() noexcept override {
            link_.shared_->loop.store(loop_state::asleep);
            if (link_.shared_->expects.load()) link_.shared_->requests.wake();
        }
        void announce_awake() noexcept override { set(loop_state::busy); }

    private:
        void set(loop_state state) noexcept { link_.shared_->loop.store(state, std::memory_order_relaxed); }

        const mpi_link& link_;
    };

    static void stop_at_exit() {
        running_link& running = current();
        if (!running.owner.here()) return;  // a fork of the program: the link is its parent's
        const std::lock_guard lock(running.mutex);
        if (running.link != nullptr) {
            running.link->stop_thread(std::chrono::steady_clock::now() + exit_limit);
            running.link = nullptr;
        }
    }

    void stop_thread(std::chrono::steady_clock::time_point deadline) noexcept {
        remove_event_source(loop_);
        shared_->loop.store(loop_state::asleep);
        shared_->deadline = deadline;
        shared_->stopping.store(true, std::memory_order_release);
        shared_->requests.wake();
        thread_->join();
        thread_.reset();
        if (!engine_->finalized()) leak();
    }

    // MPI, or in a fork the threads of the parent, may still use these objects.
    void leak() noexcept {
        static_cast<void>(new std::shared_ptr<link_engine>(engine_));
        static_cast<void>(thread_.release());
        static_cast<void>(new std::shared_ptr<link_state>(shared_));
    }

    const mpi_options options_;
    const process_owner owner_{};
    std::shared_ptr<link_state> shared_ = std::make_shared<link_state>();
    std::shared_ptr<link_engine> engine_{};
    std::unique_ptr<std::thread> thread_{};
    loop_source loop_{*this};
};

// For a program without an executor of kind mpi.
class no_events final : public node::node_link_events {
public:
    void received(node::delivery) noexcept override {}
    void agent_joined(node::node_id, byte_buffer) noexcept override {}
    void agent_gone(node::node_id) noexcept override {}
    void program_joined(byte_buffer) noexcept override {}
    void program_gone() noexcept override {}
    void engine_gone(std::string) noexcept override {}
    void engine_back() noexcept override {}
};

}  // namespace

std::unique_ptr<node::node_link> make_mpi_link(const mpi_options& options) {
    return std::make_unique<mpi_link>(options);
}

void leave_unused_mpi() noexcept {
    {
        const std::lock_guard lock(current().mutex);
        if (current().ever || mpi_rank_of_launcher() != 0 || mpi_size_of_launcher() == 1) return;
    }
    try {
        no_events events;
        mpi_link link({});
        link.start(events, {});
        link.stop(std::chrono::steady_clock::now() + exit_limit);
    } catch (const std::exception& e) {
        std::fprintf(stderr, "cadre: %s\n", e.what());
    }
}

}  // namespace cadre::detail::mpi
