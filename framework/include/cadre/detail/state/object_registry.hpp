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

class object_registry;

/// A channel, cell or lock on the heap that has to learn that its executor has shut down.
///
/// The final class calls `enlist` as the last thing in its constructor and `resign` as the first in its destructor:
/// between the two `stop` may be called by another thread.
class registered_object {
public:
    registered_object(const registered_object&) = delete;
    registered_object& operator=(const registered_object&) = delete;

    /// From now on everything gives executor_stopped; wakes all who wait. Called at most once, with the scope's lock
    /// held: it must not run user code nor drop objects of the scope.
    virtual void stop() noexcept = 0;

protected:
    explicit registered_object(std::shared_ptr<object_registry> scope) noexcept : scope_(std::move(scope)) {}
    ~registered_object() = default;

    /// @throws executor_stopped
    void enlist();
    void resign() noexcept;

private:
    friend class object_registry;
    std::shared_ptr<object_registry> scope_;
    registered_object* previous_ = nullptr;
    registered_object* next_ = nullptr;
};

/// The objects made for one local executor. Thread-safe. Lock order: scope, then object.
class object_registry {
public:
    void enter(registered_object& object);
    void leave(registered_object& object) noexcept;
    /// Stops every object, and refuses new ones. Idempotent.
    void stop() noexcept;

private:
    std::mutex mutex_;
    registered_object* head_ = nullptr;
    bool stopped_ = false;
};

/// The scope of a local executor, made on first use; it outlives the backend as long as an object needs it.
[[nodiscard]] std::shared_ptr<object_registry> object_registry_of(const executor_backend& backend);
/// All work of the executor has ended after a shutdown: stops its objects, and refuses new ones. Called by whoever
/// implements shutdown; idempotent; any thread.
void close_object_registry(const executor_backend& backend) noexcept;
/// The backend is being destroyed: as above, and its address means nothing any more.
void forget_object_registry(const executor_backend& backend) noexcept;

}  // namespace cadre::detail
