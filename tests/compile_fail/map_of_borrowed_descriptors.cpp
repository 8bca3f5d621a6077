// expect: the items of the range can only be moved, but the map does not own the range; pass it with std::move

#include <cadre/map.hpp>
#include <cadre/unique_fd.hpp>

#include <vector>

int serve(cadre::unique_fd connection) { return connection.get(); }

auto start(const cadre::executor& ex, std::vector<cadre::unique_fd>& connections) {
    return cadre::map(ex, serve, connections);
}
