// expect: an aggregate with a C array member cannot be decomposed into members; make the array a std::array

#include <cadre/bind_portable.hpp>

struct packet {
    int id;
    int words[4];
};
int id_of(packet p) { return p.id; }

auto bound = cadre::bind_portable(id_of, packet{});
