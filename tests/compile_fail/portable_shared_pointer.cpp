// expect: cannot share ownership across processes; pass the value, a std::unique_ptr, or a shared_value

#include <cadre/bind_portable.hpp>

int value_of(std::shared_ptr<int> value) { return *value; }

auto bound = cadre::bind_portable(value_of, std::make_shared<int>(1));
