// An argument that can only be moved, given as an lvalue.
// expect: an argument can only be moved, and the call owns its arguments; pass it with std::move
// names: std::unique_ptr<int

#include <cadre/cadre.hpp>

#include <memory>

void take(std::unique_ptr<int>) {}

cadre::task<> app(cadre::thread_executor& ex) {
    auto value = std::make_unique<int>(1);
    co_await cadre::on(ex, take, value);
}
