// A handle of this library may be taken by reference: its copies are the same object.

#include <cadre/cadre.hpp>

cadre::task<> produce(cadre::channel<int>& ch) { co_await ch.send(1); }
int look(const std::vector<int>& v) { return static_cast<int>(v.size()); }

cadre::task<> app(cadre::executor ex, cadre::channel<int> ch) {
    co_await cadre::on(ex, produce, ch);
    (void)co_await cadre::on(ex, look, std::vector<int>{});
}
