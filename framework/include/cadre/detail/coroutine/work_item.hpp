/// @file
/// The unit that a local executor runs: an intrusive item with one function, owned by whoever submits it.
#pragma once

#include <cadre/detail/base/intrusive_list.hpp>

namespace cadre::detail {
struct environment;
}

namespace cadre {

/// Something to run once on a local executor. The submitter owns it and keeps it alive until `run` is called; the
/// executor must call `run(item)` exactly once, and never touches the item afterwards.
struct work_item {
    void (*run)(work_item*) noexcept = nullptr;
    /// Free for the executor's own queues until it calls `run`.
    work_item* next = nullptr;
    /// The environment of the task this item resumes, or null; lets an executor say which task runs.
    detail::environment* env = nullptr;
};

}  // namespace cadre

namespace cadre::detail {

using work_item_queue = intrusive_queue<work_item, &work_item::next>;

}  // namespace cadre::detail
