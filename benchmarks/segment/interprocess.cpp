// Boost.Interprocess by hand: a managed buffer in memory that processes share, and its plain mutex.

#include "segment/parameters.hpp"

#include <boost/interprocess/allocators/allocator.hpp>
#include <boost/interprocess/containers/map.hpp>
#include <boost/interprocess/managed_external_buffer.hpp>
#include <boost/interprocess/sync/interprocess_mutex.hpp>
#include <boost/interprocess/sync/scoped_lock.hpp>

#include <functional>
#include <utility>

#include <sys/mman.h>

namespace bip = boost::interprocess;

namespace {

using allocator = bip::allocator<std::pair<const int, int>, bip::managed_external_buffer::segment_manager>;
using map = bip::map<int, int, std::less<>, allocator>;

}  // namespace

int main() {
    void* const memory = ::mmap(nullptr, segment::bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    bip::managed_external_buffer buffer(bip::create_only, memory, segment::bytes);
    auto& mutex = *buffer.construct<bip::interprocess_mutex>("mutex")();
    const auto begin = bench::clock::now();
    for (int i = 0; i != segment::insertions; ++i) {
        const bip::scoped_lock hold(mutex);
        buffer.find_or_construct<map>("map")(std::less<>{}, buffer.get_segment_manager())->emplace(segment::key(i), i);
    }
    segment::report("insertion", begin);
    bench::require(buffer.find<map>("map").first->size() == static_cast<std::size_t>(segment::insertions), "insertion");
    return 0;
}
