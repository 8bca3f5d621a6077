// A string owns memory of one process.
// expect: T must be a trivially copyable type without pointers, references or views

#include <string>

#include <cadre/shared_value.hpp>

void make(const cadre::executor& ex) { cadre::shared_value<std::string> v{ex, "x"}; }
