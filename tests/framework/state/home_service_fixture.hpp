/// @file
/// A home of objects, and two workers that ask it.
#pragma once

#include "state/home_service.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <utility>

namespace home_service_tests {

using namespace cadre::detail;

struct answers final : home_answers {
    void answer(home_client, std::uint64_t ticket, byte_buffer body) noexcept override {
        EXPECT_FALSE(given.contains(ticket)) << "a request is answered once";
        given[ticket] = std::move(body);
        if (const auto next = std::exchange(then, nullptr)) next();
    }
    [[nodiscard]] bool has(std::uint64_t ticket) const { return given.contains(ticket); }
    [[nodiscard]] op_status status(std::uint64_t ticket) {
        return static_cast<op_status>(given.at(ticket).span().front());
    }
    [[nodiscard]] std::uint64_t value(std::uint64_t ticket) {
        decoder in(given.at(ticket).span().subspan(answer_head));
        return take<std::uint64_t>(in);
    }

    std::map<std::uint64_t, byte_buffer> given{};
    std::function<void()> then{};  // after the next answer
};

class HomeService : public testing::Test {
protected:
    void ask(home_client from, std::uint64_t ticket, home_op op, home_number number,
             std::span<const std::uint64_t> values = {}) {
        byte_buffer request;
        put(request, op);
        put(request, number);
        for (const std::uint64_t v : values)
            put(request, v);
        service.request(from, ticket, request.span());
    }
    void ask(home_client from, std::uint64_t ticket, home_op op, home_number number, std::uint64_t value) {
        ask(from, ticket, op, number, std::span(&value, 1));
    }
    home_number make(home_client by, home_op op, std::uint64_t argument) {
        ask(by, 1'000'000 + made_, op, 0, argument);
        return given.value(1'000'000 + made_++);
    }

    static constexpr home_limits limits{.bytes_of_worker = 1'000'000, .bytes_of_all = 1'500'000, .workers_of_node = 3};

    answers given;
    std::shared_ptr<home_domain> domain = std::make_shared<home_domain>(executor_identity{1, 2});
    home_service service{domain, given, limits};
    const home_client a{1, 7};
    const home_client b{2, 7};
    std::uint64_t last_ = 10'000'000;  // ticket

private:
    std::uint64_t made_ = 0;
};

}  // namespace home_service_tests
