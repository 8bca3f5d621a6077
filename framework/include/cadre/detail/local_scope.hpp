/// @file
/// Which channels, cells and locks of this process's heap belong to which local executor: they end with it.
#pragma once

#include <memory>
#include <mutex>
#include <utility>

namespace cadre {
class executor_backend;
}

namespace cadre::detail {

class local_scope;

/// A channel, cell or lock on the heap that has to learn that its executor has shut down.
///
/// The final class calls `enlist` as the last thing in its constructor and `resign` as the first in its destructor:
/// between the two `stop` may be called by another thread.
class local_object {
public:
    local_object(const local_object&) = delete;
    local_object& operator=(const local_object&) = delete;

    /// From now on everything gives executor_stopped; wakes all who wait. Called at most once, with the scope's lock
    /// held: it must not run user code nor drop objects of the scope.
    virtual void stop() noexcept = 0;

protected:
    explicit local_object(std::shared_ptr<local_scope> scope) noexcept : scope_(std::move(scope)) {}
    ~local_object() = default;

    /// @throws executor_stopped
    void enlist();
    void resign() noexcept;

private:
    friend class local_scope;
    std::shared_ptr<local_scope> scope_;
    local_object* previous_ = nullptr;
    local_object* next_ = nullptr;
};

/// The objects made for one local executor. Thread-safe. Lock order: scope, then object.
class local_scope {
public:
    void enter(local_object& object);
    void leave(local_object& object) noexcept;
    /// Stops every object, and refuses new ones. Idempotent.
    void stop() noexcept;

private:
    std::mutex mutex_;
    local_object* head_ = nullptr;
    bool stopped_ = false;
};

/// The scope of a local executor, made on first use; it outlives the backend as long as an object needs it.
[[nodiscard]] std::shared_ptr<local_scope> local_scope_of(const executor_backend& backend);
/// All work of the executor has ended after a shutdown: stops its objects, and refuses new ones. Called by whoever
/// implements shutdown; idempotent; any thread.
void end_local_scope(const executor_backend& backend) noexcept;
/// The backend is being destroyed: as above, and its address means nothing any more.
void forget_local_scope(const executor_backend& backend) noexcept;

}  // namespace cadre::detail
