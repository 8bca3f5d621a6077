// expect: register_exception: this exception type cannot be rebuilt in another process; give it template <class A> void
// serialize(A&)

#include <cadre/register_exception.hpp>

struct parse_error : std::runtime_error {
    parse_error(int at, const char* text) : std::runtime_error(text), line(at) {}
    int line;
};

int main() { cadre::register_exception<parse_error>(); }
