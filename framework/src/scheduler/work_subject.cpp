#include "work_subject.hpp"

#include <algorithm>
#include <span>

#include <cadre/detail/codec/call_name.hpp>
#include <cadre/detail/scheduler/portable_call.hpp>

namespace cadre::detail {

namespace {

constexpr std::size_t head_bytes = 256;  // they contain the identity of the function

std::vector<std::byte> head_of(std::span<const std::byte> arguments) {
    const auto head = arguments.first(std::min(arguments.size(), head_bytes));
    return {head.begin(), head.end()};
}

}  // namespace

work_subject::work_subject(const work_root& root) : callable_(root.callable) {
    if (root.name != nullptr) name_ = *root.name;
    if (root.call == nullptr) return;
    entry_ = root.call->entry;
    head_ = head_of(root.call->arguments.span());
}

work_subject::work_subject(const void* trampoline, std::span<const std::byte> arguments)
    : trampoline_(trampoline), head_(head_of(arguments)) {}

std::string work_subject::function() const {
    if (trampoline_ != nullptr) return call_name_at(trampoline_, head_);
    if (entry_ == function_id{}) return callable_text(callable_);
    return is_trampoline(entry_) ? call_name(entry_, head_) : std::string();
}

}  // namespace cadre::detail
