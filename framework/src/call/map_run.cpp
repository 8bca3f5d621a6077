#include <cadre/detail/call/map_run.hpp>

namespace cadre::detail {

map_options resolve_options(map_options options, const executor& ex) {
    if (options.name.empty()) options.name = ex.options().name;
    if (options.timeout.count() <= 0) options.timeout = ex.options().timeout;
    if (options.retries <= 0) options.retries = ex.options().retries;
    if (options.retries < 0) options.retries = ex.backend()->default_retries();
    return options;
}

}  // namespace cadre::detail
