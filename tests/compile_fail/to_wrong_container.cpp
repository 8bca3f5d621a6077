// expect: cadre::to<C>(source): C is no container to which the elements of the source can be added

#include <map>
#include <vector>

#include <cadre/cadre.hpp>

cadre::task<> app(std::vector<int> numbers) { auto all = co_await cadre::to<std::map>(numbers); }
