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

call_options chunk_options(const executor& ex, const map_options& options, int retries, bool fresh_worker) {
    call_options chosen = ex.options();
    chosen.fresh_worker = fresh_worker;
    chosen.windowed = true;
    chosen.name = options.name;
    chosen.timeout = options.timeout;
    chosen.retries = retries;
    return chosen;
}

bool runs_raw_chunks(const executor& ex) noexcept { return ex.backend()->query(typeid(raw_chunks)) != nullptr; }

}  // namespace cadre::detail
