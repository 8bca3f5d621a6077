// expect: does not say which alternative is alive; use a std::variant or give it template <class A> void serialize(A&)

#include <cadre/bind_portable.hpp>

struct number {
    bool is_real;
    union {
        int whole;
        float real;
    };
};
bool is_real(number n) { return n.is_real; }

auto bound = cadre::bind_portable(is_real, number{});
