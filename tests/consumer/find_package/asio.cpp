// A task awaits a timer of Asio, in a program that names cadre only.

#include <cadre/asio.hpp>
#include <cadre/cadre.hpp>

#include <chrono>

#include <boost/asio/steady_timer.hpp>

cadre::task<int> wait(cadre::executor ex) {
    boost::asio::steady_timer timer(cadre::asio_context(ex), std::chrono::milliseconds(1));
    co_await timer.async_wait(cadre::use_task);
    co_return 0;
}

int main(int argc, char** argv) {
    cadre::runtime rt(argc, argv);
    return rt.run(wait(rt.executor()));
}
