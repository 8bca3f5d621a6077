/// @file
/// The cluster executor: calls run in worker processes on hosts that communicate through a RabbitMQ broker.
///
///     cadre::executor ex = cadre::cluster_executor{{.host = {.workers = 8}, .nodes = 2}};
///     auto sizes = co_await cadre::map(ex, count_words, files);
///
/// Start the program as `./app --executor=cluster`, and `./app --cadre-agent` on any host at any time, both with
/// CADRE_CLUSTER_URL=amqps://user@broker/vhost.
///
/// A process with `--cadre-agent` becomes an agent in the constructor of `runtime`, which does not return. An agent
/// reads no configuration: the program sends it.
#pragma once

#include <chrono>
#include <cstddef>
#include <string_view>

#include <cadre/executor.hpp>
#include <cadre/executors/process_options.hpp>

namespace cadre {

/// The options of a cluster executor. Trivially destructible on purpose: g++ 12 destroys other aggregates twice in an
/// expression that awaits. The executor copies the texts.
struct cluster_options {
    /// The options of the process executor on each host; `workers` is the number for one host.
    process_options host{};
    /// Whether workers on the program's own host run calls, too; these calls do not pass through the broker.
    bool local = true;
    /// The number of agents that the constructor waits for. 0: none; under `srun`, all other processes of the step.
    std::size_t nodes = 0;
    /// The limit of that wait; after it the constructor throws `config_error`. Agents that `srun` started wait this
    /// long for the program.
    std::chrono::nanoseconds nodes_wait = std::chrono::seconds(30);
    /// `amqp://user:password@host:port/vhost`, or `amqps://` for TLS. Empty: CADRE_CLUSTER_URL. A password that is not
    /// in the URL is read from CADRE_CLUSTER_PASSWORD, or from the file that CADRE_CLUSTER_PASSWORD_FILE names.
    std::string_view url{};
    /// The group: a program uses the agents with the same name, and one program at a time uses a name. Empty:
    /// CADRE_CLUSTER_NAME, or "cluster", or a name of the step under `srun`.
    std::string_view name{};
    /// PEM files: the authorities that sign the broker's certificate, the client's certificate and its key. Empty:
    /// those of the URL.
    std::string_view ca{};
    std::string_view certificate{};
    std::string_view key{};
    /// The heartbeat of the connections, raised to whole seconds: a host is considered lost after two of them. 0: that
    /// of the URL, or one second; at most 60 s.
    std::chrono::nanoseconds heartbeat{0};
};

/// Connects to the broker and waits for `nodes` agents. Blocks the calling thread; thread-safe.
///
/// The executor behaves as a process executor, of which each host has one: the same limits, errors and `retries`.
/// Errors name the host (`error_origin`), and so does `job::worker_host`. Hosts may join and leave at any time;
/// `concurrency()` is the number of workers of the agents that have joined. Calls that a lost host may have begun fail
/// with `worker_lost`, or are repeated while `retries` are left. A stop request of a waiting call ends it at once; that
/// of a running one is passed on to its host. The awaiting task resumes at its home. Channels, cells and locks live
/// in the program, and each operation of a worker is a round trip there; `shared_array` and `shared_segment` are
/// refused by `not_portable`.
/// @return a handle; the last one that is destroyed, or `shutdown`, leaves the group, which takes ten seconds at most
/// @throws config_error if the broker cannot be reached or rejects the user, too few agents join in time, this build
/// has no RabbitMQ client, or an option cannot be honoured
[[nodiscard]] executor make_cluster_executor(const cluster_options& options = {});

/// The same as a type. Convertible to `executor`; copies name the same executor.
class cluster_executor : public executor_type {
public:
    /// @throws like `make_cluster_executor`
    explicit(false) cluster_executor(const cluster_options& options = {});
};

}  // namespace cadre
