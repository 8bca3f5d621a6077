#include "amqp_link.hpp"

#include <cadre/errors.hpp>

#include <utility>

#include "broker_address.hpp"

#ifdef CADRE_RABBITMQ_SONAME
#    include "amqp/agent_link.hpp"
#    include "amqp/program_link.hpp"
#    include "amqp/rabbitmq_library.hpp"
#endif

namespace cadre::detail::amqp {

std::unique_ptr<node::node_link> make_amqp_link(const amqp_options& options) {
    broker_address address = resolve_address(options);
#ifdef CADRE_RABBITMQ_SONAME
    const rabbitmq_library& library = load_rabbitmq();
    if (options.agent) return std::make_unique<agent_link>(library, std::move(address), options.name);
    return std::make_unique<program_link>(library, std::move(address), options.name);
#else
    throw config_error("cluster: this build has no RabbitMQ client: install librabbitmq-dev and build again");
#endif
}

}  // namespace cadre::detail::amqp
