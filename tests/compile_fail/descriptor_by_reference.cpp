// expect: not portable: the function takes a reference that is not const, but gets a copy, so its changes would be lost

#include <cadre/on.hpp>
#include <cadre/unique_fd.hpp>

void reopen(cadre::unique_fd& fd) { fd.reset(); }

auto start(const cadre::executor& ex) { return cadre::on(ex, reopen, cadre::unique_fd{}); }
