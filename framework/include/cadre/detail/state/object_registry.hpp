/// @file
/// The channels, cells and locks of one local executor: a shutdown of the executor stops them.
#pragma once

#include <memory>
#include <mutex>
#include <utility>

#include <cadre/detail/base/intrusive_list.hpp>

namespace cadre::detail {

class object_registry;

/// A channel, cell or lock on the heap that is stopped when its executor shuts down.
///
/// The final class calls `add_to_registry` as the last step of its constructor and `remove_from_registry` as the first
/// of its destructor. Between the two another thread may call `stop`.
class registered_object {
public:
    registered_object(const registered_object&) = delete;
    registered_object& operator=(const registered_object&) = delete;

    /// Makes every operation give executor_stopped and wakes all waiters. Called at most once, with the registry's lock
    /// held: an implementation runs no user code and destroys no registered object.
    virtual void stop() noexcept = 0;

protected:
    explicit registered_object(std::shared_ptr<object_registry> registry) noexcept : registry_(std::move(registry)) {}
    ~registered_object() = default;

    /// @throws executor_stopped
    void add_to_registry();
    void remove_from_registry() noexcept;

private:
    friend class object_registry;
    std::shared_ptr<object_registry> registry_;
    list_links<registered_object> links_;
};

/// The objects made for one local executor. Thread-safe. Lock order: registry, then object.
class object_registry {
public:
    /// @throws executor_stopped after `stop`
    void add(registered_object& object);
    void remove(registered_object& object) noexcept;
    /// Stops every object and refuses new ones. Idempotent.
    void stop() noexcept;

private:
    std::mutex mutex_;  // under it: `stop` of the objects, which finishes waiters: it posts and runs nothing
    intrusive_list<registered_object, &registered_object::links_> objects_;
    bool stopped_ = false;
};

}  // namespace cadre::detail
