#include "process/parent/worker_starter.hpp"

#include "base/address_space.hpp"
#include "process/os/syscalls.hpp"

#include <cadre/detail/codec/codec_stream.hpp>
#include <cadre/detail/coroutine/tracing.hpp>
#include <cadre/errors.hpp>

#include <algorithm>
#include <cstring>
#include <mutex>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

namespace cadre::detail::process_parent {

using process_plane::call_memory;
using process_plane::function_slot;

namespace {

// A report follows the pidfd within microseconds; it takes this long only if the fork server died with its worker.
constexpr std::chrono::milliseconds report_limit{2000};

shm::state_plane& program_plane() {
    static std::mutex once;
    const std::lock_guard hold(once);
    if (shm::state_plane* const made = shm::state_plane::program(); made != nullptr) return *made;
    return shm::state_plane::create();
}

function_slot runner_of(const worker_action& action, const char* option) {
    function_slot slot{};
    if (!action) return slot;
    byte_buffer bytes;
    encoder out(bytes);
    encode_function(out, identify_function(reinterpret_cast<const void*>(action.stored()->run)));
    if (bytes.size() > sizeof slot.bytes)
        throw config_error("the path of the library that contains the " + std::string(option) +
                           " is too long to be sent to a worker");
    slot.size = static_cast<std::uint32_t>(bytes.size());
    std::memcpy(slot.bytes, bytes.data(), bytes.size());
    return slot;
}

void copy_name(char (&to)[64], const std::string& name) noexcept {
    const std::size_t n = std::min(name.size(), sizeof to - 1);
    std::memcpy(to, name.data(), n);
    to[n] = 0;
}

process_os::unique_fd open_null() {
    process_os::unique_fd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
    if (!null) process_os::throw_errno("open /dev/null");
    return null;
}

}  // namespace

worker_starter::worker_starter(const process_options& options, std::string executor_name, pool_role role,
                               std::uint32_t workers, std::vector<int> descriptors)
    : options_(options), name_(std::move(executor_name)), workers_(workers), role_(std::move(role)),
      descriptors_(std::move(descriptors)), plane_(program_plane()), area_size_(call_memory::area_size_for(workers)),
      domain_(&plane_.open_domain()), initializer_(runner_of(options.initializer, "initializer")),
      finalizer_(runner_of(options.finalizer, "finalizer")) {}

std::unique_ptr<worker_connection> worker_starter::start(std::uint32_t index,
                                                         std::function<std::string(const worker_connection&)> prefix) {
    auto c = std::make_unique<worker_connection>(index, area_size_, role_.host);
    const auto id = plane_.claim_slot();
    if (!id)
        throw config_error("executor '" + name_ + "': cannot start worker " + std::to_string(index) +
                           ": the shared memory of this program serves " +
                           std::to_string(plane_.processes().used_slots()) + " processes" +
                           (address_space_left() != unlimited_address_space ? "; raise `ulimit -v`" : ""));
    c->id = *id;
    c->link.set_doorbell(plane_.processes().doorbell(id->slot));
    c->share = options_.max_tasks_per_worker;
    try {
        write_setup(c->link, index);
        process_os::socket_pair descriptors = process_os::make_socket_pair();
        c->link.set_descriptor_socket(std::move(descriptors.first));
        process_os::worker_spec spec = make_spec(*c, descriptors.second.get());
        process_os::pipe_ends pipe;
        process_os::unique_fd null;
        if (output_piped()) {
            pipe = process_os::make_pipe();
            spec.stdout_fd = spec.stderr_fd = pipe.write.get();
        } else if (options_.output == worker_output::null) {
            null = open_null();
            spec.stdout_fd = spec.stderr_fd = null.get();
        }
        c->launcher = &launcher_;
        c->os = launcher_.launch(spec);
        if (output_piped())
            c->output.emplace(std::move(pipe.read), options_.output,
                              [prefix = std::move(prefix), p = c.get()] { return prefix(*p); });
    } catch (...) {
        plane_.recover(*id);
        throw;
    }
    return c;
}

void worker_starter::write_setup(worker_link& link, std::uint32_t index) const {
    process_plane::worker_setup& setup = link.control().setup;
    const auto bytes_of = [&](const worker_action& action) {
        return action ? link.store(action.stored()->bytes.span()) : process_plane::block{};
    };
    setup.index = index;
    setup.count = workers_;
    setup.tasks_per_worker = static_cast<std::uint32_t>(std::min<std::size_t>(options_.tasks_per_worker, UINT32_MAX));
    setup.retries = static_cast<std::uint32_t>(std::clamp(options_.retries, 0, 1000));
    setup.task_timeout = options_.task_timeout.count();
    setup.memory_soft_limit = options_.memory_soft_limit;
    setup.limits_memory = options_.memory_soft_limit != 0 || options_.memory_limit != 0 ? 1 : 0;
    setup.domain = domain_->id();
    setup.trace = tracing() ? 1 : 0;
    setup.portable_id = role_.identity;
    setup.kind = role_.kind;
    copy_name(setup.host, role_.host);
    setup.program = plane_.program_identity();
    setup.region = plane_.memory().shape();
    setup.initializer = {initializer_, bytes_of(options_.initializer)};
    setup.finalizer = {finalizer_, bytes_of(options_.finalizer)};
    copy_name(setup.executor_name, name_);
}

process_os::worker_spec worker_starter::make_spec(const worker_connection& c, int descriptor_socket) const {
    process_os::worker_spec spec;
    spec.slot = c.id.slot;
    spec.generation = c.id.generation;
    spec.start =
        options_.start == start_method::spawn ? process_os::start_method::spawn : process_os::start_method::forkserver;
    // The order that worker_main expects.
    spec.fds = {c.link.memory().descriptor()};
    spec.fds.insert(spec.fds.end(), descriptors_.begin(), descriptors_.end());
    spec.fds.push_back(descriptor_socket);
    const shm::plane_invitation invitation = plane_.invite(c.id);
    spec.fds.insert(spec.fds.end(), invitation.descriptors.begin(), invitation.descriptors.end());
    spec.crash_fd = 0;
    spec.crash_offset = call_memory::crash_offset;
    spec.memory_limit = options_.memory_limit;
    if (const int cpu = options_.affinity.cpu_of(c.index); cpu >= 0) spec.affinity = {cpu};
    spec.name = "worker " + std::to_string(c.index) + " of " + name_;
    return spec;
}

bool worker_starter::output_piped() const noexcept {
    return options_.output == worker_output::prefix || options_.output == worker_output::capture;
}

process_os::worker_exit worker_starter::wait_exit(const worker_connection& c) {
    if (const auto reported = launcher_.wait_exit(c.os.pid, report_limit)) return *reported;
    return {.pid = c.os.pid};
}

}  // namespace cadre::detail::process_parent
