// expect: not portable: a pointer means nothing in another process; pass the value it points to

#include <cadre/bind_portable.hpp>

#include <map>

struct leaf {
    int value;
    const char* name;
};
struct tree {
    std::map<std::string, std::vector<leaf>> leaves;
    std::vector<tree> children;
};
std::size_t count(const tree& t) { return t.leaves.size(); }

auto bound = cadre::bind_portable(count, tree{});
