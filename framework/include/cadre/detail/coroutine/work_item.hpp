/// @file
/// The unit that a local executor runs: an intrusive item with one function, owned by its submitter.
#pragma once

#include <cadre/detail/base/intrusive_list.hpp>

namespace cadre::detail {
struct environment;
}

namespace cadre {

/// A function to run once on a local executor. The submitter owns the item and keeps it alive until `run` is called;
/// the executor calls `run(item)` exactly once and does not touch the item afterwards.
struct work_item {
    void (*run)(work_item*) noexcept = nullptr;
    /// Free for the executor's own queues until it calls `run`.
    work_item* next = nullptr;
    /// The environment of the task that this item resumes, or null. It identifies the running task for the executor.
    detail::environment* env = nullptr;
};

}  // namespace cadre

namespace cadre::detail {

using work_item_queue = intrusive_queue<work_item, &work_item::next>;

}  // namespace cadre::detail
