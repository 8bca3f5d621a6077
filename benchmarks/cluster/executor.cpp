// The executor of kind `cluster`: calls in a worker process of one agent.

#include "cluster/parameters.hpp"
#include "executor_of_hosts.hpp"

int main(int argc, char** argv) {
    if (cluster::broker_url().empty()) return 0;
    if (argc > 1) cadre::runtime serves(argc, argv);  // with --cadre-agent it does not return
    ::setenv("CADRE_CLUSTER_NAME", "benchmark.executor", 1);
    ::setenv("CADRE_EXECUTOR", "cluster:1,nodes=1,local=false", 1);
    const cluster::answering_process agent(
        [&] { ::execl("/proc/self/exe", argv[0], "--cadre-agent", static_cast<char*>(nullptr)); });
    cadre::runtime rt(argc, argv);
    return rt.run(hosts_bench::measure(rt.executor(), [](const char* what) { return std::string(what); },
                                       {{"program", ::getpid()}, {"agent", agent.pid()}}));
}
