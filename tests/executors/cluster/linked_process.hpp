/// @file
/// One end of a link with what it has reported.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include <unistd.h>

#include "private_broker.hpp"
#include "recorded_events.hpp"

namespace cadre::test {

inline detail::amqp::amqp_options link_options(const std::string& name, bool agent) {
    detail::amqp::amqp_options options;
    options.url = private_broker::instance().url();
    options.name = name;
    options.agent = agent;
    return options;
}

class linked {
public:
    explicit linked(const detail::amqp::amqp_options& options, std::string_view hello = "")
        : link_(make_amqp_link(options)) {
        link_->start(events_, bytes_of(hello));
    }
    linked(std::unique_ptr<node_link> link, std::string_view hello) : link_(std::move(link)) {
        link_->start(events_, bytes_of(hello));
    }
    ~linked() { stop(); }

    void stop() { link_->stop(std::chrono::steady_clock::now() + std::chrono::seconds(5)); }
    node_link* operator->() { return link_.get(); }
    recorded_events& events() { return events_; }

private:
    recorded_events events_;  // outlives the link
    std::unique_ptr<node_link> link_;
};

/// The program's or an agent's end in this process.
class program : public linked {
public:
    explicit program(const std::string& name) : linked(link_options(name, false), "program " + name) {}
    [[nodiscard]] bool wait_for_agents(std::size_t count) {
        return events().wait([=](const auto& s) { return s.joined.size() >= count; });
    }
};

class agent : public linked {
public:
    explicit agent(const std::string& name, std::string_view hello = "agent")
        : linked(link_options(name, true), hello) {}
    [[nodiscard]] bool wait_for_program(int count = 1) {
        return events().wait([=](const auto& s) { return s.program_joined >= count; });
    }
};

}  // namespace cadre::test
