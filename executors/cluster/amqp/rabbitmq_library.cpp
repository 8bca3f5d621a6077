#include "rabbitmq_library.hpp"

#include <cadre/errors.hpp>

#include <string>

#include <dlfcn.h>

namespace cadre::detail::amqp {

namespace {

template <class Function>
void find(void* library, const char* name, Function& function) {
    function = reinterpret_cast<Function>(::dlsym(library, name));
    if (function == nullptr)
        throw config_error(std::string("cluster: " CADRE_RABBITMQ_SONAME " has no function ") + name +
                           ": install the librabbitmq of this build");
}

rabbitmq_library load() {
    void* const library = ::dlopen(CADRE_RABBITMQ_SONAME, RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr)
        throw config_error("cluster: " CADRE_RABBITMQ_SONAME
                           ", the RabbitMQ client, is not installed on this host: install librabbitmq4");
    rabbitmq_library functions;
#define CADRE_RABBITMQ_FIND(function) find(library, #function, functions.function);
    CADRE_RABBITMQ_FUNCTIONS(CADRE_RABBITMQ_FIND)
#undef CADRE_RABBITMQ_FIND
    return functions;
}

}  // namespace

const rabbitmq_library& load_rabbitmq() {
    static const rabbitmq_library library = load();
    return library;
}

}  // namespace cadre::detail::amqp
