#include <cadre/detail/call/map_run.hpp>

#include <typeinfo>

namespace cadre::detail {

map_options resolve_options(map_options options, const executor& ex) {
    if (options.name.empty()) options.name = ex.options().name;
    if (options.timeout.count() <= 0) options.timeout = ex.options().timeout;
    if (options.retries <= 0) options.retries = ex.options().retries;
    if (options.retries < 0) options.retries = ex.backend()->default_retries();
    return options;
}

bool runs_raw_chunks(const executor& ex) noexcept { return ex.backend()->query(typeid(raw_chunks)) != nullptr; }

}  // namespace cadre::detail
