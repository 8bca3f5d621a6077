// A channel of nothing, for signals.
// expect: void is not a value; send a std::monostate, or use async_event or async_semaphore

#include <cadre/channel.hpp>

void make(const cadre::executor& ex) { cadre::channel<void> c{ex, 1}; }
