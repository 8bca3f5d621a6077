#include "trace_file.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace cadre::detail::trace {

namespace {

constexpr std::string_view file_begin = "{\"displayTimeUnit\":\"ns\",\"traceEvents\":[";
constexpr std::string_view file_end = "\n]}\n";
// Names of unfinished calls are stored. The limit bounds the memory of a program that abandons calls.
constexpr std::size_t max_names = std::size_t{1} << 20;
constexpr std::size_t max_name = 200;
// Bounds the file of a hostile worker or of a forgotten trace. No viewer reads larger files.
constexpr std::uint64_t max_file = std::uint64_t{2} << 30;
// An arrow begins and ends inside of a slice.
constexpr std::int64_t least_slice = 2;

template <class Number>
void append_number(std::string& to, Number n, int base = 10) {
    char text[32];
    const auto end = std::to_chars(text, text + sizeof text, n, base).ptr;
    to.append(text, end);
}

// The unit of the format is the microsecond.
void append_time(std::string& to, std::int64_t ns) {
    ns = std::max<std::int64_t>(ns, 0);
    append_number(to, ns / 1000);
    const auto rest = static_cast<int>(ns % 1000);
    to += '.';
    to += static_cast<char>('0' + rest / 100);
    to += static_cast<char>('0' + rest / 10 % 10);
    to += static_cast<char>('0' + rest % 10);
}

// The length of the UTF-8 sequence at `at`; 0: invalid.
std::size_t sequence_length(std::string_view text, std::size_t at) noexcept {
    const auto lead = static_cast<unsigned char>(text[at]);
    const std::size_t n = lead >= 0xf0 && lead < 0xf5 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc2 ? 2 : 0;
    if (n == 0 || lead >= 0xf5 || at + n > text.size()) return 0;
    for (std::size_t i = 1; i < n; ++i)
        if ((static_cast<unsigned char>(text[at + i]) & 0xc0) != 0x80) return 0;
    return n;
}

// The text may come from a hostile worker.
void append_string(std::string& to, std::string_view text) {
    to += '"';
    for (std::size_t i = 0; i < text.size();) {
        const char c = text[i];
        if (static_cast<unsigned char>(c) >= 0x80) {
            const std::size_t n = sequence_length(text, i);
            n == 0 ? to.append("?") : to.append(text.substr(i, n));
            i += std::max<std::size_t>(n, 1);
            continue;
        }
        if (c == '"' || c == '\\') to += '\\';
        to += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
        ++i;
    }
    to += '"';
}

bool write_all(int fd, std::string_view text, std::uint64_t at) noexcept {
    while (!text.empty()) {
        const ssize_t n = ::pwrite(fd, text.data(), text.size(), static_cast<off_t>(at));
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return false;
        text.remove_prefix(static_cast<std::size_t>(n));
        at += static_cast<std::uint64_t>(n);
    }
    return true;
}

std::string number_text(std::uint64_t id) { return '#' + std::to_string(id & ((std::uint64_t{1} << 40) - 1)); }

}  // namespace

std::string trace_file::open(const std::string& path) {
    const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0666);
    if (fd < 0) return std::strerror(errno);
    struct stat about{};
    if (::fstat(fd, &about) != 0 || !S_ISREG(about.st_mode)) {
        ::close(fd);
        return "it is not a regular file";
    }
    end_ = file_begin.size();
    if (::ftruncate(fd, 0) != 0 || !write_all(fd, std::string(file_begin) + std::string(file_end), 0)) {
        const int why = errno;
        ::close(fd);
        return std::strerror(why);
    }
    fd_ = fd;
    batch_.clear();
    running_.clear();
    names_.clear();
    name("process_name", ::getpid(), ::getpid(), "program");
    return {};
}

void trace_file::close() noexcept {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
}

void trace_file::name_thread(pid_t pid, pid_t tid, std::string_view thread) { name("thread_name", pid, tid, thread); }

bool trace_file::write(const std::vector<event>& events) {
    for (const event& e : events)
        add(e);
    return flush();
}

void trace_file::finish(std::int64_t now, std::uint64_t lost) {
    while (!running_.empty())
        end_slice(running_.begin()->first, now);
    if (lost != 0) {
        event e;
        e.pid = e.tid = ::getpid();
        open_event("i", "trace", std::to_string(lost) + " events were lost", e, now);
        batch_ += ",\"s\":\"g\"";
        end_event();
    }
    static_cast<void>(flush());
}

void trace_file::add(const event& e) {
    const thread_key thread{e.pid, e.tid};
    switch (e.kind) {
        case event_kind::submit: add_submission(e); return;
        case event_kind::leave:
            open_event("e", "call", name_of(e), e, e.time);
            add_id("id", e.id);
            end_event();
            names_.erase(e.id);
            return;
        case event_kind::begin: {
            const auto at = running_.find(thread);
            const std::int64_t time = at == running_.end() ? e.time : std::max(e.time, at->second.begin + 1);
            open_event("f", "call", "call", e, time);
            add_id("id", e.id);
            batch_ += ",\"bp\":\"e\"";
            end_event();
            return;
        }
        case event_kind::run:
            end_slice(thread, e.time);
            running_.insert_or_assign(thread, slice{e.time, e.id, name_of(e)});
            return;
        case event_kind::pause: end_slice(thread, e.time); return;
        case event_kind::wait:
        case event_kind::resume: {
            const bool begins = e.kind == event_kind::wait;
            open_event(begins ? "b" : "e", "wait",
                       begins ? std::string("waits for ") + to_string(static_cast<wait_kind>(e.detail)) : "", e,
                       e.time);
            batch_ += ",\"id2\":{\"local\":\"0x";
            append_number(batch_, e.wait, 16);
            batch_ += "\"}";
            if (begins && e.id != 0) {
                batch_ += ",\"args\":{\"task\":";
                append_string(batch_, name_of(e));
                batch_ += '}';
            }
            end_event();
            return;
        }
        case event_kind::mark:
            open_event("i", "event", e.text, e, e.time);
            batch_ += ",\"s\":\"p\"";
            end_event();
            return;
        case event_kind::process:
            name("process_name", e.pid, e.tid, e.text);
            name("thread_name", e.pid, e.tid, "tasks");
            return;
        case event_kind::death:
            end_slices(e.pid, e.time);
            open_event("i", "event", e.text, e, e.time);
            batch_ += ",\"s\":\"p\"";
            end_event();
            return;
    }
}

// The arrow begins at a slice of minimal length.
void trace_file::add_submission(const event& e) {
    if (!e.text.empty() && names_.size() < max_names) names_[e.id] = e.text.substr(0, max_name);
    const std::string name = name_of(e);
    const auto what = static_cast<submission>(e.detail);
    if (what != submission::arrow) {
        open_event("b", "call", name, e, e.time);
        add_id("id", e.id);
        end_event();
    }
    if (what == submission::call) return;
    open_event("X", "call", "call " + name, e, e.time);
    batch_ += ",\"dur\":";
    append_time(batch_, least_slice);
    end_event();
    open_event("s", "call", "call", e, e.time + 1);
    add_id("id", e.id);
    end_event();
}

void trace_file::end_slice(thread_key thread, std::int64_t end) {
    const auto at = running_.find(thread);
    if (at == running_.end()) return;
    const slice s = std::move(at->second);
    running_.erase(at);
    event e;
    e.pid = thread.first;
    e.tid = thread.second;
    open_event("X", "task", s.name, e, s.begin);
    batch_ += ",\"dur\":";
    append_time(batch_, std::max(end - s.begin, least_slice));
    if (s.id != 0) {
        batch_ += ",\"args\":{\"task\":";
        append_string(batch_, number_text(s.id));
        batch_ += '}';
    }
    end_event();
}

void trace_file::end_slices(pid_t pid, std::int64_t end) {
    for (auto at = running_.lower_bound({pid, 0}); at != running_.end() && at->first.first == pid;)
        end_slice((at++)->first, end);
}

std::string trace_file::name_of(const event& e) const {
    if (!e.text.empty()) return e.text.substr(0, max_name);
    if (const auto at = names_.find(e.id); at != names_.end()) return at->second;
    return e.id == 0 ? "work" : "task " + number_text(e.id);
}

void trace_file::open_event(std::string_view phase, std::string_view category, std::string_view name, const event& e,
                            std::int64_t time) {
    batch_ += batch_.empty() && end_ == file_begin.size() ? "\n{\"ph\":\"" : ",\n{\"ph\":\"";
    batch_ += phase;
    batch_ += "\",\"cat\":\"";
    batch_ += category;
    batch_ += "\",\"name\":";
    append_string(batch_, name);
    batch_ += ",\"pid\":";
    append_number(batch_, e.pid);
    batch_ += ",\"tid\":";
    append_number(batch_, e.tid);
    batch_ += ",\"ts\":";
    append_time(batch_, time);
}

void trace_file::add_id(std::string_view key, std::uint64_t id) {
    batch_ += ",\"";
    batch_ += key;
    batch_ += "\":\"0x";
    append_number(batch_, id, 16);
    batch_ += '"';
}

void trace_file::name(std::string_view what, pid_t pid, pid_t tid, std::string_view name) {
    event e;
    e.pid = pid;
    e.tid = tid;
    open_event("M", "__metadata", what, e, 0);
    batch_ += ",\"args\":{\"name\":";
    append_string(batch_, name);
    batch_ += '}';
    end_event();
}

bool trace_file::flush() {
    if (batch_.empty() || fd_ < 0) return true;
    const std::size_t size = batch_.size();
    batch_ += file_end;
    const bool fits = end_ + batch_.size() <= max_file;
    if (!fits) errno = EFBIG;
    const bool written = fits && write_all(fd_, batch_, end_);
    batch_.clear();
    if (written) {
        end_ += size;
        return true;
    }
    const int why = errno;
    // The capacity was reserved before.
    static_cast<void>(::ftruncate(fd_, static_cast<off_t>(end_)) == 0 && write_all(fd_, file_end, end_));
    errno = why;
    return false;
}

}  // namespace cadre::detail::trace
