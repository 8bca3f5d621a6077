// Operations of objects that get what no overload takes.
// expect: cadre::channel<T>::send takes one value, which converts to T
// expect: cadre::channel<T>::try_send takes one value, which converts to T
// expect: cadre::channel<T>::emplace takes arguments of which T(args...) makes a T
// expect: cadre::channel<T>::send_all takes a range whose elements convert to T
// expect: cadre::channel<T>::receive_many takes the greatest number of values
// expect: cadre::channel<T>::close_after takes something that can be awaited
// expect: cadre::shared_value<T>::fetch_add takes a number to add
// expect: cadre::shared_value<T>::load takes at most an order, and T must have lock-free atomics
// expect: cadre::shared_value<T>::update takes a function that takes a T and returns the new one
// expect: cadre::shared_value<T>::set takes a value that converts to T
// expect: cadre::async_condition_variable::wait takes the guard of a lock that is held
// expect: co_return: the value does not convert to the result type T of the cadre::task<T>

#include <array>

#include <cadre/cadre.hpp>

struct table {
    std::array<int, 100> cells;
};

cadre::task<int> app(cadre::channel<int> ch, cadre::shared_value<table> value, cadre::async_mutex mutex,
                     cadre::async_condition_variable condition) {
    co_await ch.send("text");
    if (ch.try_send("text")) co_return 1;
    co_await ch.emplace("text");
    co_await ch.send_all(3);
    auto values = co_await ch.receive_many(1.5);
    co_await ch.close_after(3);
    value.fetch_add(table{});
    table copy = value.load();
    co_await value.update([] { return table{}; });
    co_await value.set(3);
    co_await condition.wait(mutex);
    co_return "text";
}
