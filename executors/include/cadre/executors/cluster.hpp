/// @file
/// The cluster executor: calls run in worker processes on hosts that meet at a RabbitMQ broker.
///
///     cadre::executor ex = cadre::cluster_executor{{.host = {.workers = 8}, .nodes = 2}};
///     auto sizes = co_await cadre::map(ex, count_words, files);
///
/// The program is started as `./app --executor=cluster`, and on any host, at any time, `./app --cadre-agent`, both with
/// CADRE_CLUSTER_URL=amqps://user@broker/vhost.
///
/// A process that is started with `--cadre-agent` becomes an agent inside of the constructor of `runtime`, which does not return there.
/// It reads no configuration: the program sends it.
#pragma once

#include <chrono>
#include <cstddef>
#include <string_view>

#include <cadre/executor.hpp>
#include <cadre/executors/process_options.hpp>

namespace cadre {

/// Trivially destructible on purpose: g++ 12 destroys other aggregates twice in an expression that awaits. Texts are copied by the
/// executor.
struct cluster_options {
    /// Of the workers on each host; `workers` is their number there.
    process_options host{};
    /// Whether workers of the program's own host take part; those calls go through no broker.
    bool local = true;
    /// The start of the executor waits until so many agents serve. 0: none; under `srun`, all other processes of its step.
    std::size_t nodes = 0;
    /// How long it waits for them, before it throws `config_error`. Agents that `srun` has started wait as long for the program.
    std::chrono::nanoseconds nodes_wait = std::chrono::seconds(30);
    /// `amqp://user:password@host:port/vhost`, or `amqps://` for TLS. Empty: CADRE_CLUSTER_URL. A password that is not in it is read from
    /// CADRE_CLUSTER_PASSWORD, or the file that CADRE_CLUSTER_PASSWORD_FILE names.
    std::string_view url{};
    /// Programs and agents of one name meet. Empty: CADRE_CLUSTER_NAME, or "cluster", or a name of the step under `srun`.
    std::string_view name{};
    /// PEM files: of the authorities that sign the broker's certificate, and of the client's certificate and its key.
    std::string_view ca{};
    std::string_view certificate{};
    std::string_view key{};
    /// How soon the broker drops a silent connection; whole seconds. 0: the URL's, or one second.
    std::chrono::nanoseconds heartbeat{0};
};

/// Joins the group. Everything that holds for process executors holds for this one; errors name the host (`error_origin`), and so does
/// `job::worker_host`. Hosts may join and leave at any time: `concurrency()` follows. The calls that a lost host may have begun fail with
/// `worker_lost`, or are repeated by their `retries`. Channels, cells and locks cannot be made for it: their constructors throw
/// `not_portable`.
/// @throws config_error if there is no broker, it refuses the user, this build has no RabbitMQ client, or an option cannot be honoured
[[nodiscard]] executor make_cluster_executor(const cluster_options& options = {});

/// The same as a type. Convertible to `executor`; copies name the same executor.
class cluster_executor : public executor_type {
public:
    /// @throws like `make_cluster_executor`
    explicit(false) cluster_executor(const cluster_options& options = {});
};

}  // namespace cadre
