// expect: an aggregate with base classes cannot be decomposed into members; make the bases members or give it template
// <class A> void serialize(A&)

#include <cadre/bind_portable.hpp>

struct animal {
    int legs;
};
struct dog : animal {
    int age;
};
int legs_of(dog d) { return d.legs; }

auto bound = cadre::bind_portable(legs_of, dog{});
