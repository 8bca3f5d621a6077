// Shows: a service that drains. After SIGTERM (or Ctrl-C) it accepts no more connections and answers those that it has
// accepted; then the program ends by the signal, as a supervisor expects. It needs no handler for that.

#include <cstdint>
#include <exception>
#include <iostream>
#include <string>

#include <CLI/CLI.hpp>

#include <cadre/cadre.hpp>

#include "client.hpp"
#include "service.hpp"

int main(int argc, char** argv) {
    cadre::runtime rt(argc, argv);  // first line of main: worker processes start from here

    CLI::App options{"A service that counts prime numbers, and a client that ends it in the middle"};
    bool serving = false;
    std::uint16_t port = 0;
    options.add_flag("--serve", serving,
                     "be the service, until SIGTERM or Ctrl-C; otherwise start it and be its client");
    options.add_option("--port", port, "of the service on 127.0.0.1; 0: one that is free")->capture_default_str();
    CLI11_PARSE(options, argc, argv);

    const cadre::executor ex = rt.executor();
    if (serving) {
        rt.run(serve(ex, port));
        return 0;
    }
    if (ex.kind() == cadre::executor_kind::mpi || ex.kind() == cadre::executor_kind::cluster)
        throw cadre::not_portable("executor '" + ex.name() +
                                  "' serves one program, and the demonstration starts a second one: use --serve");
    try {
        return demonstrate(ex.name());
    } catch (const std::exception& e) {
        std::cerr << "graceful_service: " << e.what() << '\n';
        return 1;
    }
}
