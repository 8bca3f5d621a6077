// What run, run_parallel and run_main take.

#include <cadre/cadre.hpp>

cadre::task<int> with_executor(cadre::executor) { co_return 0; }
cadre::task<> without() { co_return; }

int main(int argc, char** argv) {
    cadre::runtime rt(argc, argv);
    rt.run(without);
    rt.run(without());
    rt.run_parallel([n = argc](const cadre::executor&) -> cadre::task<int> { co_return n; });
    return rt.run(with_executor) + cadre::run_main(argc, argv, without) + cadre::run_main(argc, argv, with_executor);
}
