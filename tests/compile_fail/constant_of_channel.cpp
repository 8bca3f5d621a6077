// The objects of handles live as long as handles to them: bytes that are decoded at any time keep none.
// expect: T must not contain handles of this library

#include <cadre/channel.hpp>
#include <cadre/shared_constant.hpp>

#include <utility>
#include <vector>

struct part {
    std::vector<std::pair<int, cadre::channel<int>>> channels;
};

void make(const cadre::executor& ex, part p) { cadre::shared_constant<part> c{ex, p}; }
