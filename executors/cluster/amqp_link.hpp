/// @file
/// The link through a RabbitMQ broker.
#pragma once

#include <memory>

#include "amqp_options.hpp"
#include "node/node_link.hpp"

namespace cadre::detail::amqp {

/// The link of this process. `start` connects to the broker.
/// @throws config_error if the options are wrong, or if this build or host has no RabbitMQ client
[[nodiscard]] std::unique_ptr<node::node_link> make_amqp_link(const amqp_options& options);

}  // namespace cadre::detail::amqp
