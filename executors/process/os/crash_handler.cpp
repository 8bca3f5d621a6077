// The worker's side of the crash page: the handler of fatal signals.

#include "base/kept_memory.hpp"
#include "base/process_owner.hpp"
#include "process/os/crash_modules.hpp"
#include "process/os/crash_page.hpp"
#include "process/os/syscalls.hpp"

#include <boost/stacktrace/safe_dump_to.hpp>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <ctime>
#include <new>

#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <ucontext.h>
#include <unistd.h>

namespace cadre::detail::process_os {
namespace {

constexpr int fatal_signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT};
constexpr std::size_t handler_stack_size = std::size_t{64} * 1024;
// Limits a handler that deadlocks, for example in the unwinder's own lock.
constexpr unsigned handler_seconds = 5;

crash_page* page = nullptr;
const process_owner* page_owner = nullptr;  // a fork of the worker leaves no trace in the page
// A private copy: the page is shared, and the handler must not trust it.
module_record own_modules[max_crash_modules];
std::size_t own_module_count = 0;
// The thread that writes the crash page. 0 -> its thread id, by the first crashing thread; never reset. The default
// order: the other crashing threads only wait.
std::atomic<pid_t> dumping_thread{0};
// Incremented by `record_failed_allocation` on any thread; relaxed: only a change is of interest.
std::atomic<std::uint64_t> failures{0};

bool is_code(std::uint64_t address) { return find_module({own_modules, own_module_count}, address) != nullptr; }

#if defined(__x86_64__)
greg_t& register_of(ucontext_t& context, int which) { return context.uc_mcontext.gregs[which]; }

std::uint64_t program_counter(const ucontext_t& context) {
    return static_cast<std::uint64_t>(context.uc_mcontext.gregs[REG_RIP]);
}

// After a call to an address without code the unwinder would fault there as well: continue with the caller, whose
// address is on top of the stack. @return false if no such address is found
bool return_to_caller(ucontext_t& context) {
    std::uint64_t caller = 0;
    iovec here{&caller, sizeof caller};
    iovec there{reinterpret_cast<void*>(register_of(context, REG_RSP)), sizeof caller};
    // Reads without faulting if the stack pointer is bad as well.
    if (::process_vm_readv(::getpid(), &here, 1, &there, 1, 0) != static_cast<ssize_t>(sizeof caller) ||
        !is_code(caller)) {
        return false;
    }
    register_of(context, REG_RIP) = static_cast<greg_t>(caller);
    register_of(context, REG_RSP) += static_cast<greg_t>(sizeof caller);
    return true;
}
#elif defined(__aarch64__)
std::uint64_t program_counter(const ucontext_t& context) { return context.uc_mcontext.pc; }

bool return_to_caller(ucontext_t& context) {
    if (!is_code(context.uc_mcontext.regs[30])) return false;
    context.uc_mcontext.pc = context.uc_mcontext.regs[30];
    return true;
}
#else
#    error "the crash handler does not know this architecture's registers"
#endif

// The unwinder begins in this handler: drop the frames above the interrupted function.
void drop_handler_frames(std::uint64_t interrupted_at) {
    auto& frames = page->frames;
    const auto first = std::find(frames.begin(), frames.end(), interrupted_at);
    if (first != frames.end())
        std::fill(std::move(first, frames.end(), frames.begin()), frames.end(), std::uint64_t{0});
}

void dump(int signal, const siginfo_t& info, ucontext_t& context) {
    page->signal = signal;
    page->code = info.si_code;
    page->thread = static_cast<std::int32_t>(::syscall(SYS_gettid));
    page->address = info.si_code > 0 ? reinterpret_cast<std::uint64_t>(info.si_addr) : 0;
    page->program_counter = program_counter(context);
    std::atomic_ref{page->state}.store(crash_begun, std::memory_order_release);

    const mcontext_t original = context.uc_mcontext;
    if (is_code(program_counter(context)) || return_to_caller(context)) {
        // Directly into the zeroed page: if the unwinder faults, the frames found so far are kept.
        boost::stacktrace::safe_dump_to(page->frames.data(), sizeof page->frames);
        drop_handler_frames(program_counter(context));
        context.uc_mcontext = original;
    }
    std::atomic_ref{page->state}.store(crash_written, std::memory_order_release);
}

void limit_handler_time() {
    struct sigaction standard{};
    standard.sa_handler = SIG_DFL;
    ::sigaction(SIGALRM, &standard, nullptr);
    sigset_t alarm_only;
    ::sigemptyset(&alarm_only);
    ::sigaddset(&alarm_only, SIGALRM);
    ::pthread_sigmask(SIG_UNBLOCK, &alarm_only, nullptr);
    ::alarm(handler_seconds);
}

void handle_fatal_signal(int signal, siginfo_t* info, void* context) {
    const auto self = static_cast<pid_t>(::syscall(SYS_gettid));
    pid_t owner = 0;
    if (!page_owner->here()) {
        // The default action follows.
    } else if (dumping_thread.compare_exchange_strong(owner, self)) {
        limit_handler_time();
        dump(signal, *info, *static_cast<ucontext_t*>(context));
    } else if (owner != self) {
        // Another thread crashed first; the process ends when that thread has written the page.
        timespec pause{static_cast<time_t>(handler_seconds), 0};
        ::nanosleep(&pause, nullptr);
    }
    // Not earlier: a second thread's crash would end the process while the first thread writes the page.
    struct sigaction standard{};
    standard.sa_handler = SIG_DFL;
    ::sigaction(signal, &standard, nullptr);
    // The signal is blocked here: it is delivered, and fatal, as soon as this returns.
    ::syscall(SYS_tgkill, ::getpid(), self, signal);
}

}  // namespace

void install_crash_handler(crash_page& to) {
    const std::vector<module_record> modules = loaded_modules(max_crash_modules);
    own_module_count = modules.size();
    std::ranges::copy(modules, own_modules);
    std::ranges::copy(modules, to.modules.begin());
    to.module_count = static_cast<std::uint32_t>(modules.size());
    // The first use loads a library and allocates, which a signal handler must not do.
    boost::stacktrace::safe_dump_to(to.frames.data(), sizeof to.frames);
    to.frames.fill(0);
    page_owner = new process_owner;
    page = &to;

    static const crash_handler_stack first_thread;
    struct sigaction action{};
    action.sa_sigaction = &handle_fatal_signal;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    for (const int signal : fatal_signals)
        if (::sigaction(signal, &action, nullptr) != 0) throw_errno("sigaction");
}

crash_handler_stack::crash_handler_stack()
    : memory_(
          ::mmap(nullptr, handler_stack_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0)) {
    if (memory_ == MAP_FAILED) throw_errno("mmap(signal stack)");
    stack_t stack{};
    stack.ss_sp = memory_;
    stack.ss_size = handler_stack_size;
    ::sigaltstack(&stack, nullptr);
}

crash_handler_stack::~crash_handler_stack() {
    stack_t none{};
    none.ss_flags = SS_DISABLE;
    ::sigaltstack(&none, nullptr);
    ::munmap(memory_, handler_stack_size);
}

std::uint64_t failed_allocations() noexcept { return failures.load(std::memory_order_relaxed); }

void record_failed_allocation() {
    // The allocation is tried again.
    if (release_kept_memory()) return;
    failures.fetch_add(1, std::memory_order_relaxed);
    if (page != nullptr && page_owner->here())
        std::atomic_ref{page->allocation_failed}.store(1, std::memory_order_relaxed);
    throw std::bad_alloc();
}

void clear_failed_allocation() noexcept {
    if (page != nullptr) std::atomic_ref{page->allocation_failed}.store(0, std::memory_order_relaxed);
}

}  // namespace cadre::detail::process_os
