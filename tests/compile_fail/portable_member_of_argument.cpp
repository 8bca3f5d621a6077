// The message names the member of the aggregate, however deep it is.
// expect: not portable: a pointer means nothing in another process; pass the value it points to
// names: name

#include <cadre/cadre.hpp>

struct leaf {
    int value;
    const char* name;
};
struct tree {
    std::vector<leaf> leaves;
};
std::size_t count(const tree& t) { return t.leaves.size(); }

cadre::task<> app(cadre::executor ex) { (void)co_await cadre::on(ex, count, tree{}); }
