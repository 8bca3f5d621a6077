/// @file
/// Compile-time errors for types that are not portable: one message each, which says why and what to pass instead.
#pragma once

#include <type_traits>

#include <cadre/detail/codec/portability_check.hpp>

namespace cadre::detail {

/// Fails to compile with the message for `Reason`; the compiler shows `Offender`, the offending type. One static_assert
/// for each reason, because C++20 takes only a literal as its message.
template <portability_reason Reason, class Offender>
constexpr void require_accepted() {
    static_assert(Reason != portability_reason::is_void, "not portable: void is not a value; leave the argument out");
    static_assert(Reason != portability_reason::pointer,
                  "not portable: a pointer means nothing in another process; pass the value it points to "
                  "(std::string for text, std::vector for an array, shared_array for memory that stays in place)");
    static_assert(Reason != portability_reason::reference,
                  "not portable: a reference would refer to memory of another process; pass or return by value");
    static_assert(Reason != portability_reason::view,
                  "not portable: a view (std::string_view, std::span, a range view) does not own its elements; pass an "
                  "owner such as std::string or std::vector");
    static_assert(Reason != portability_reason::reference_wrapper,
                  "not portable: std::reference_wrapper refers to memory of another process; pass the value itself");
    static_assert(
        Reason != portability_reason::shared_pointer,
        "not portable: a std::shared_ptr or std::weak_ptr cannot share ownership across processes; pass the value, a "
        "std::unique_ptr, or a shared_value");
    static_assert(
        Reason != portability_reason::unique_pointer,
        "not portable: a std::unique_ptr to an array or with its own deleter does not say what it owns; pass a "
        "std::vector, or a std::unique_ptr with the default deleter");
    static_assert(Reason != portability_reason::polymorphic_pointee,
                  "not portable: a std::unique_ptr to a polymorphic class may own a derived object, which would be "
                  "sliced; pass a "
                  "std::variant of the concrete types");
    static_assert(
        Reason != portability_reason::member_pointer,
        "not portable: a pointer to member is not portable; pass a captureless lambda that calls or reads the member");
    static_assert(Reason != portability_reason::std_function,
                  "not portable: std::function hides what it holds; pass a function, a captureless lambda or "
                  "bind_portable(f, args...)");
    static_assert(
        Reason != portability_reason::capturing_lambda,
        "not portable: the members of a capturing lambda (or of a callable class with private state) cannot be "
        "reached; pass what it captures as arguments, use bind_portable(f, args...), or an aggregate with "
        "operator()");
    static_assert(
        Reason != portability_reason::default_capture_lambda,
        "not portable: a lambda that begins with [=] or [&] counts as capturing even if it captures nothing; write []");
    static_assert(
        Reason != portability_reason::coroutine_object,
        "not portable: a task, stream or generator is a coroutine and never leaves its process; pass the coroutine "
        "function and its arguments, or send the values through a channel");
    static_assert(
        Reason != portability_reason::process_bound,
        "not portable: this object (a job, scope or guard) belongs to the process that made it; await it there and "
        "pass its result");
    static_assert(Reason != portability_reason::incomplete,
                  "not portable: the type is only declared here, its members are unknown; include its definition");
    static_assert(Reason != portability_reason::c_array,
                  "not portable: a C array is not copyable; pass a std::array or a std::vector");
    static_assert(Reason != portability_reason::raw_union,
                  "not portable: a union does not say which member is alive; use a std::variant");
    static_assert(Reason != portability_reason::base_class,
                  "not portable: an aggregate with base classes cannot be decomposed into members; make the bases "
                  "members or give it "
                  "template <class A> void serialize(A&)");
    static_assert(Reason != portability_reason::c_array_member,
                  "not portable: an aggregate with a C array member cannot be decomposed into members; make the array "
                  "a std::array or give "
                  "it template <class A> void serialize(A&)");
    static_assert(
        Reason != portability_reason::union_member,
        "not portable: an aggregate with a union member does not say which alternative is alive; use a std::variant "
        "or give it template <class A> void serialize(A&)");
    static_assert(
        Reason != portability_reason::too_many_members,
        "not portable: an aggregate with more than 32 members (each element of a C array counts) cannot be decomposed "
        "into members; group them in nested aggregates or give it template <class A> void serialize(A&)");
    static_assert(
        Reason != portability_reason::reference_member,
        "not portable: an aggregate with a reference member refers to memory of another process; make the member a "
        "value");
    static_assert(
        Reason != portability_reason::not_rebuildable,
        "not portable: a class with serialize is rebuilt from a default-constructed object and moved; give it a "
        "default and a move constructor");
    static_assert(Reason != portability_reason::polymorphic, "not portable: a class with virtual functions cannot be "
                                                             "decomposed into members; give it template <class A> void "
                                                             "serialize(A&) or pass its data as an aggregate");
    static_assert(Reason != portability_reason::opaque_class,
                  "not portable: a class with constructors or private members cannot be decomposed into members (nor "
                  "can std::bind's "
                  "result, an iterator, a thread or a lock of the standard library); give it template <class A> void "
                  "serialize(A&) or pass an aggregate");
}

template <class T>
constexpr void require_portable() {
    using checked = portability_of<T>;
    require_accepted<checked::reason, typename checked::offender>();
}

/// The checks of a remote call; each fails to compile with one message if the type cannot be sent.
template <class T>
constexpr void require_portable_argument() {
    require_portable<std::decay_t<T>>();
}

/// `R` is the return type of the function; of a coroutine function, the result type of its task.
template <class R>
constexpr void require_portable_result() {
    static_assert(
        !std::is_reference_v<R>,
        "not portable: the function returns a reference, which would refer to memory of another process; return by "
        "value");
    if constexpr (!std::is_void_v<R> && !std::is_reference_v<R>) require_portable<R>();
}

template <class F>
constexpr void require_portable_callable() {
    using callable = std::decay_t<F>;
    require_portable<callable>();
    static_assert(portability_of<callable>::reason != portability_reason::none || is_function_pointer<callable> ||
                      class_with_call<callable>,
                  "not portable: this object is not callable; pass a function, a captureless lambda, "
                  "bind_portable(f, args...) or an aggregate with operator()");
}

}  // namespace cadre::detail
