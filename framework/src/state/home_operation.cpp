#include "state/home_operation.hpp"

#include <cadre/executor_backend.hpp>

namespace cadre::detail {

/// The home of waits that have no coroutine: they end with an answer, which is sent immediately.
class home_service::operation::immediate_home final : public executor_backend {
public:
    [[nodiscard]] executor_kind kind() const noexcept override { return executor_kind::custom; }
    [[nodiscard]] std::size_t concurrency() const noexcept override { return 1; }
    [[nodiscard]] std::string name() const override { return "answers"; }
    void submit(std::span<work_item* const> items) noexcept override {
        for (work_item* const each : items)
            each->run(each);
    }
};

environment* home_service::operation::environment_of_answers() {
    static auto* const home = new immediate_home;
    static auto* const env = new environment{.home = home};
    return env;
}

}  // namespace cadre::detail
