#include "ledger.hpp"

#include <cadre/errors.hpp>

#include <iostream>
#include <new>
#include <system_error>
#include <typeinfo>

namespace cadre::soak {
namespace {

// How a call may end while processes are killed and system calls fail. Empty: not like this.
std::string kind_of(const std::exception_ptr& error) {
    try {
        std::rethrow_exception(error);
    } catch (const worker_crashed& e) {
        // Nothing here breaks the protocol, so no worker may be blamed for that.
        return std::string(e.what()).find("and was killed") == std::string::npos ? "worker_crashed" : "";
    } catch (const worker_lost&) {
        return "worker_lost";
    } catch (const task_killed& e) {
        return std::string("task_killed: ") + to_string(e.reason());
    } catch (const timed_out&) {
        return "timed_out";
    } catch (const cancelled&) {
        return "cancelled";
    } catch (const executor_stopped&) {
        return "executor_stopped";
    } catch (const config_error&) {
        return "config_error";
    } catch (const std::bad_alloc&) {
        return "bad_alloc";
    } catch (const std::system_error& e) {
        return "system_error: " + e.code().message();
    } catch (...) {
        return "";
    }
}

std::string text_of(const std::exception_ptr& error) {
    try {
        std::rethrow_exception(error);
    } catch (const std::exception& e) {
        return std::string(typeid(e).name()) + ": " + e.what();
    } catch (...) {
        return "not a std::exception";
    }
}

}  // namespace

std::size_t ledger::open(const char* what) {
    const std::lock_guard hold(mutex_);
    std::size_t i = 0;
    while (entries_.at(i).what != nullptr)
        ++i;
    entries_[i] = {what, std::chrono::steady_clock::now()};
    return i;
}

void ledger::close(std::size_t i) {
    if (entries_.at(i).what == nullptr) {
        ++faults_;
        std::cout << "FAULT: a call has ended twice" << std::endl;
    }
    entries_[i] = {};
}

void ledger::end_rightly(std::size_t i) {
    const std::lock_guard hold(mutex_);
    close(i);
    ++right_;
}

void ledger::end_wrongly(std::size_t i, const std::string& why) {
    const std::lock_guard hold(mutex_);
    ++faults_;
    std::cout << "FAULT: " << entries_.at(i).what << ": " << why << std::endl;
    close(i);
}

void ledger::end_with(std::size_t i, const std::exception_ptr& error) {
    const std::string kind = kind_of(error);
    if (kind.empty()) return end_wrongly(i, "ended with " + text_of(error));
    const std::lock_guard hold(mutex_);
    close(i);
    ++ends_[kind];
}

void ledger::fault(const std::string& what) {
    const std::lock_guard hold(mutex_);
    ++faults_;
    std::cout << "FAULT: " << what << std::endl;
}

std::string ledger::stuck(std::chrono::seconds limit) const {
    const std::lock_guard hold(mutex_);
    const auto now = std::chrono::steady_clock::now();
    std::string found;
    for (const entry& e : entries_)
        if (e.what != nullptr && now - e.since > limit) found += std::string(found.empty() ? "" : ", ") + e.what;
    return found;
}

std::uint64_t ledger::ended() const {
    const std::lock_guard hold(mutex_);
    std::uint64_t all = right_;
    for (const auto& [kind, count] : ends_)
        all += count;
    return all;
}

bool ledger::clean() const {
    const std::lock_guard hold(mutex_);
    return faults_ == 0;
}

void ledger::print() const {
    const std::lock_guard hold(mutex_);
    std::cout << "  " << right_ << " calls ended rightly\n";
    for (const auto& [kind, count] : ends_)
        std::cout << "  " << count << " calls ended with " << kind << '\n';
    std::cout << "  " << faults_ << " faults" << std::endl;
}

}  // namespace cadre::soak
