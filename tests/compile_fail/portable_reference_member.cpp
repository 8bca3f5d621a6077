// expect: an aggregate with a reference member refers to memory of another process; make the member a value

#include <cadre/bind_portable.hpp>

struct view_of {
    int& value;
};
int value_of(view_of v) { return v.value; }
int value = 0;

auto bound = cadre::bind_portable(value_of, view_of{value});
