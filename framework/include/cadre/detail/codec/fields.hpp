/// @file
/// The members of an aggregate, in order, by structured bindings: one branch for each number of members.
#pragma once

#include <cstddef>
#include <tuple>
#include <type_traits>
#include <utility>

#include <cadre/detail/codec/fields_count.hpp>

namespace cadre::detail {

template <class... Ts>
struct type_list {};

/// Calls `f.template operator()<M0, M1, …>(m0, m1, …)`: the declared types of the members, then the members. The types
/// are passed separately because only `decltype` of a binding distinguishes a reference member from a value.
template <class T, class F>
constexpr decltype(auto) visit_fields(T& v, F&& f) {
    constexpr std::size_t n = field_count<std::remove_cv_t<T>>;
    static_assert(n <= max_fields);
    if constexpr (n == 0) {
        return f.template operator()<>();
    } else if constexpr (n == 1) {
        auto& [a0] = v;
        return f.template operator()<decltype(a0)>(a0);
    } else if constexpr (n == 2) {
        auto& [a0, a1] = v;
        return f.template operator()<decltype(a0), decltype(a1)>(a0, a1);
    } else if constexpr (n == 3) {
        auto& [a0, a1, a2] = v;
        return f.template operator()<decltype(a0), decltype(a1), decltype(a2)>(a0, a1, a2);
    } else if constexpr (n == 4) {
        auto& [a0, a1, a2, a3] = v;
        return f.template operator()<decltype(a0), decltype(a1), decltype(a2), decltype(a3)>(a0, a1, a2, a3);
    } else if constexpr (n == 5) {
        auto& [a0, a1, a2, a3, a4] = v;
        return f.template operator()<decltype(a0), decltype(a1), decltype(a2), decltype(a3), decltype(a4)>(a0, a1, a2,
                                                                                                           a3, a4);
    } else if constexpr (n == 6) {
        auto& [a0, a1, a2, a3, a4, a5] = v;
        return f
            .template operator()<decltype(a0), decltype(a1), decltype(a2), decltype(a3), decltype(a4), decltype(a5)>(
                a0, a1, a2, a3, a4, a5);
    } else if constexpr (n == 7) {
        auto& [a0, a1, a2, a3, a4, a5, a6] = v;
        return f.template operator()<decltype(a0), decltype(a1), decltype(a2), decltype(a3), decltype(a4), decltype(a5),
                                     decltype(a6)>(a0, a1, a2, a3, a4, a5, a6);
    } else if constexpr (n == 8) {
        auto& [a0, a1, a2, a3, a4, a5, a6, a7] = v;
        return f.template operator()<decltype(a0), decltype(a1), decltype(a2), decltype(a3), decltype(a4), decltype(a5),
                                     decltype(a6), decltype(a7)>(a0, a1, a2, a3, a4, a5, a6, a7);
    } else if constexpr (n == 9) {
        auto& [a0, a1, a2, a3, a4, a5, a6, a7, a8] = v;
        return f.template operator()<decltype(a0), decltype(a1), decltype(a2), decltype(a3), decltype(a4), decltype(a5),
                                     decltype(a6), decltype(a7), decltype(a8)>(a0, a1, a2, a3, a4, a5, a6, a7, a8);
    } else if constexpr (n == 10) {
        auto& [a0, a1, a2, a3, a4, a5, a6, a7, a8, a9] = v;
        return f.template operator()<decltype(a0), decltype(a1), decltype(a2), decltype(a3), decltype(a4), decltype(a5),
                                     decltype(a6), decltype(a7), decltype(a8), decltype(a9)>(a0, a1, a2, a3, a4, a5, a6,
                                                                                             a7, a8, a9);
    } else if constexpr (n == 11) {
        auto& [a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10] = v;
        return f.template operator()<decltype(a0), decltype(a1), decltype(a2), decltype(a3), decltype(a4), decltype(a5),
                                     decltype(a6), decltype(a7), decltype(a8), decltype(a9), decltype(a10)>(
            a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10);
    } else if constexpr (n == 12) {
        auto& [a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11] = v;
        return f
            .template operator()<decltype(a0), decltype(a1), decltype(a2), decltype(a3), decltype(a4), decltype(a5),
                                 decltype(a6), decltype(a7), decltype(a8), decltype(a9), decltype(a10), decltype(a11)>(
                a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11);
    } else if constexpr (n == 13) {
        auto& [a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12] = v;
        return f.template
        operator()<decltype(a0), decltype(a1), decltype(a2), decltype(a3), decltype(a4), decltype(a5), decltype(a6),
                   decltype(a7), decltype(a8), decltype(a9), decltype(a10), decltype(a11), decltype(a12)>(
            a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12);
    } else if constexpr (n == 14) {
        auto& [a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13] = v;
        return f.template operator()<decltype(a0), decltype(a1), decltype(a2), decltype(a3), decltype(a4), decltype(a5),
                                     decltype(a6), decltype(a7), decltype(a8), decltype(a9), decltype(a10),
                                     decltype(a11), decltype(a12), decltype(a13)>(a0, a1, a2, a3, a4, a5, a6, a7, a8,
                                                                                  a9, a10, a11, a12, a13);
    } else if constexpr (n == 15) {
        auto& [a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14] = v;
        return f.template operator()<decltype(a0), decltype(a1), decltype(a2), decltype(a3), decltype(a4), decltype(a5),
                                     decltype(a6), decltype(a7), decltype(a8), decltype(a9), decltype(a10),
                                     decltype(a11), decltype(a12), decltype(a13), decltype(a14)>(
            a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14);
    } else if constexpr (n == 16) {
        auto& [a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14, a15] = v;
        return f.template operator()<decltype(a0), decltype(a1), decltype(a2), decltype(a3), decltype(a4), decltype(a5),
                                     decltype(a6), decltype(a7), decltype(a8), decltype(a9), decltype(a10),
                                     decltype(a11), decltype(a12), decltype(a13), decltype(a14), decltype(a15)>(
            a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14, a15);
    } else if constexpr (n == 17) {
        auto& [a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14, a15, a16] = v;
        return f
            .template operator()<decltype(a0), decltype(a1), decltype(a2), decltype(a3), decltype(a4), decltype(a5),
                                 decltype(a6), decltype(a7), decltype(a8), decltype(a9), decltype(a10), decltype(a11),
                                 decltype(a12), decltype(a13), decltype(a14), decltype(a15), decltype(a16)>(
                a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14, a15, a16);
    } else if constexpr (n == 18) {
        auto& [a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14, a15, a16, a17] = v;
        return f.template
        operator()<decltype(a0), decltype(a1), decltype(a2), decltype(a3), decltype(a4), decltype(a5), decltype(a6),
                   decltype(a7), decltype(a8), decltype(a9), decltype(a10), decltype(a11), decltype(a12), decltype(a13),
                   decltype(a14), decltype(a15), decltype(a16), decltype(a17)>(a0, a1, a2, a3, a4, a5, a6, a7, a8, a9,
                                                                               a10, a11, a12, a13, a14, a15, a16, a17);
    } else if constexpr (n == 19) {
        auto& [a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14, a15, a16, a17, a18] = v;
        return f.template
        operator()<decltype(a0), decltype(a1), decltype(a2), decltype(a3), decltype(a4), decltype(a5), decltype(a6),
                   decltype(a7), decltype(a8), decltype(a9), decltype(a10), decltype(a11), decltype(a12), decltype(a13),
                   decltype(a14), decltype(a15), decltype(a16), decltype(a17), decltype(a18)>(
            a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14, a15, a16, a17, a18);
    } else if constexpr (n == 20) {
        auto& [a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14, a15, a16, a17, a18, a19] = v;
        return f.template
        operator()<decltype(a0), decltype(a1), decltype(a2), decltype(a3), decltype(a4), decltype(a5), decltype(a6),
                   decltype(a7), decltype(a8), decltype(a9), decltype(a10), decltype(a11), decltype(a12), decltype(a13),
                   decltype(a14), decltype(a15), decltype(a16), decltype(a17), decltype(a18), decltype(a19)>(
            a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14, a15, a16, a17, a18, a19);
    } else if constexpr (n == 21) {
        auto& [a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14, a15, a16, a17, a18, a19, a20] = v;
        return f.template operator()<decltype(a0), decltype(a1), decltype(a2), decltype(a3), decltype(a4), decltype(a5),
                                     decltype(a6), decltype(a7), decltype(a8), decltype(a9), decltype(a10),
                                     decltype(a11), decltype(a12), decltype(a13), decltype(a14), decltype(a15),
                                     decltype(a16), decltype(a17), decltype(a18), decltype(a19), decltype(a20)>(
            a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14, a15, a16, a17, a18, a19, a20);
    } else if constexpr (n == 22) {
        auto& [a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14, a15, a16, a17, a18, a19, a20, a21] = v;
        return f
            .template operator()<decltype(a0), decltype(a1), decltype(a2), decltype(a3), decltype(a4), decltype(a5),
                                 decltype(a6), decltype(a7), decltype(a8), decltype(a9), decltype(a10), decltype(a11),
                                 decltype(a12), decltype(a13), decltype(a14), decltype(a15), decltype(a16),
                                 decltype(a17), decltype(a18), decltype(a19), decltype(a20), decltype(a21)>(
                a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14, a15, a16, a17, a18, a19, a20, a21);
    } else if constexpr (n == 23) {
        auto& [a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14, a15, a16, a17, a18, a19, a20, a21,
               a22] = v;
        return f.template
        operator()<decltype(a0), decltype(a1), decltype(a2), decltype(a3), decltype(a4), decltype(a5), decltype(a6),
                   decltype(a7), decltype(a8), decltype(a9), decltype(a10), decltype(a11), decltype(a12), decltype(a13),
                   decltype(a14), decltype(a15), decltype(a16), decltype(a17), decltype(a18), decltype(a19),
                   decltype(a20), decltype(a21), decltype(a22)>(a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12,
                                                                a13, a14, a15, a16, a17, a18, a19, a20, a21, a22);
    } else if constexpr (n == 24) {
        auto& [a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14, a15, a16, a17, a18, a19, a20, a21, a22,
               a23] = v;
        return f.template
        operator()<decltype(a0), decltype(a1), decltype(a2), decltype(a3), decltype(a4), decltype(a5), decltype(a6),
                   decltype(a7), decltype(a8), decltype(a9), decltype(a10), decltype(a11), decltype(a12), decltype(a13),
                   decltype(a14), decltype(a15), decltype(a16), decltype(a17), decltype(a18), decltype(a19),
                   decltype(a20), decltype(a21), decltype(a22), decltype(a23)>(a0, a1, a2, a3, a4, a5, a6, a7, a8, a9,
                                                                               a10, a11, a12, a13, a14, a15, a16, a17,
                                                                               a18, a19, a20, a21, a22, a23);
    } else if constexpr (n == 25) {
        auto& [a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14, a15, a16, a17, a18, a19, a20, a21, a22,
               a23, a24] = v;
        return f.template
        operator()<decltype(a0), decltype(a1), decltype(a2), decltype(a3), decltype(a4), decltype(a5), decltype(a6),
                   decltype(a7), decltype(a8), decltype(a9), decltype(a10), decltype(a11), decltype(a12), decltype(a13),
                   decltype(a14), decltype(a15), decltype(a16), decltype(a17), decltype(a18), decltype(a19),
                   decltype(a20), decltype(a21), decltype(a22), decltype(a23), decltype(a24)>(
            a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14, a15, a16, a17, a18, a19, a20, a21, a22,
            a23, a24);
    } else if constexpr (n == 26) {
        auto& [a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14, a15, a16, a17, a18, a19, a20, a21, a22,
               a23, a24, a25] = v;
        return f.template
        operator()<decltype(a0), decltype(a1), decltype(a2), decltype(a3), decltype(a4), decltype(a5), decltype(a6),
                   decltype(a7), decltype(a8), decltype(a9), decltype(a10), decltype(a11), decltype(a12), decltype(a13),
                   decltype(a14), decltype(a15), decltype(a16), decltype(a17), decltype(a18), decltype(a19),
                   decltype(a20), decltype(a21), decltype(a22), decltype(a23), decltype(a24), decltype(a25)>(
            a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14, a15, a16, a17, a18, a19, a20, a21, a22,
            a23, a24, a25);
    } else if constexpr (n == 27) {
        auto& [a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14, a15, a16, a17, a18, a19, a20, a21, a22,
               a23, a24, a25, a26] = v;
        return f.template operator()<
            decltype(a0), decltype(a1), decltype(a2), decltype(a3), decltype(a4), decltype(a5), decltype(a6),
            decltype(a7), decltype(a8), decltype(a9), decltype(a10), decltype(a11), decltype(a12), decltype(a13),
            decltype(a14), decltype(a15), decltype(a16), decltype(a17), decltype(a18), decltype(a19), decltype(a20),
            decltype(a21), decltype(a22), decltype(a23), decltype(a24), decltype(a25), decltype(a26)>(
            a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14, a15, a16, a17, a18, a19, a20, a21, a22,
            a23, a24, a25, a26);
    } else if constexpr (n == 28) {
        auto& [a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14, a15, a16, a17, a18, a19, a20, a21, a22,
               a23, a24, a25, a26, a27] = v;
        return f.template operator()<
            decltype(a0), decltype(a1), decltype(a2), decltype(a3), decltype(a4), decltype(a5), decltype(a6),
            decltype(a7), decltype(a8), decltype(a9), decltype(a10), decltype(a11), decltype(a12), decltype(a13),
            decltype(a14), decltype(a15), decltype(a16), decltype(a17), decltype(a18), decltype(a19), decltype(a20),
            decltype(a21), decltype(a22), decltype(a23), decltype(a24), decltype(a25), decltype(a26), decltype(a27)>(
            a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14, a15, a16, a17, a18, a19, a20, a21, a22,
            a23, a24, a25, a26, a27);
    } else if constexpr (n == 29) {
        auto& [a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14, a15, a16, a17, a18, a19, a20, a21, a22,
               a23, a24, a25, a26, a27, a28] = v;
        return f.template
        operator()<decltype(a0), decltype(a1), decltype(a2), decltype(a3), decltype(a4), decltype(a5), decltype(a6),
                   decltype(a7), decltype(a8), decltype(a9), decltype(a10), decltype(a11), decltype(a12), decltype(a13),
                   decltype(a14), decltype(a15), decltype(a16), decltype(a17), decltype(a18), decltype(a19),
                   decltype(a20), decltype(a21), decltype(a22), decltype(a23), decltype(a24), decltype(a25),
                   decltype(a26), decltype(a27), decltype(a28)>(a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12,
                                                                a13, a14, a15, a16, a17, a18, a19, a20, a21, a22, a23,
                                                                a24, a25, a26, a27, a28);
    } else if constexpr (n == 30) {
        auto& [a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14, a15, a16, a17, a18, a19, a20, a21, a22,
               a23, a24, a25, a26, a27, a28, a29] = v;
        return f.template
        operator()<decltype(a0), decltype(a1), decltype(a2), decltype(a3), decltype(a4), decltype(a5), decltype(a6),
                   decltype(a7), decltype(a8), decltype(a9), decltype(a10), decltype(a11), decltype(a12), decltype(a13),
                   decltype(a14), decltype(a15), decltype(a16), decltype(a17), decltype(a18), decltype(a19),
                   decltype(a20), decltype(a21), decltype(a22), decltype(a23), decltype(a24), decltype(a25),
                   decltype(a26), decltype(a27), decltype(a28), decltype(a29)>(
            a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14, a15, a16, a17, a18, a19, a20, a21, a22,
            a23, a24, a25, a26, a27, a28, a29);
    } else if constexpr (n == 31) {
        auto& [a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14, a15, a16, a17, a18, a19, a20, a21, a22,
               a23, a24, a25, a26, a27, a28, a29, a30] = v;
        return f.template
        operator()<decltype(a0), decltype(a1), decltype(a2), decltype(a3), decltype(a4), decltype(a5), decltype(a6),
                   decltype(a7), decltype(a8), decltype(a9), decltype(a10), decltype(a11), decltype(a12), decltype(a13),
                   decltype(a14), decltype(a15), decltype(a16), decltype(a17), decltype(a18), decltype(a19),
                   decltype(a20), decltype(a21), decltype(a22), decltype(a23), decltype(a24), decltype(a25),
                   decltype(a26), decltype(a27), decltype(a28), decltype(a29), decltype(a30)>(
            a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14, a15, a16, a17, a18, a19, a20, a21, a22,
            a23, a24, a25, a26, a27, a28, a29, a30);
    } else if constexpr (n == 32) {
        auto& [a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14, a15, a16, a17, a18, a19, a20, a21, a22,
               a23, a24, a25, a26, a27, a28, a29, a30, a31] = v;
        return f.template
        operator()<decltype(a0), decltype(a1), decltype(a2), decltype(a3), decltype(a4), decltype(a5), decltype(a6),
                   decltype(a7), decltype(a8), decltype(a9), decltype(a10), decltype(a11), decltype(a12), decltype(a13),
                   decltype(a14), decltype(a15), decltype(a16), decltype(a17), decltype(a18), decltype(a19),
                   decltype(a20), decltype(a21), decltype(a22), decltype(a23), decltype(a24), decltype(a25),
                   decltype(a26), decltype(a27), decltype(a28), decltype(a29), decltype(a30), decltype(a31)>(
            a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14, a15, a16, a17, a18, a19, a20, a21, a22,
            a23, a24, a25, a26, a27, a28, a29, a30, a31);
    }
}

struct collect_types {
    template <class... Members>
    constexpr type_list<std::remove_cv_t<Members>...> operator()(const Members&...) const {
        return {};
    }
};

/// An object that exists only in constant expressions: the address of its member names the member.
template <class T>
struct imagined {
    T object;
};
#if defined(__clang__)
#    pragma clang diagnostic push
#    pragma clang diagnostic ignored "-Wundefined-var-template"
#    pragma clang diagnostic ignored "-Wundefined-internal"
#endif
template <class T>
extern const imagined<T> one;

template <auto Address>
struct member {};

template <std::size_t I>
struct address_of_member {
    template <class... Members>
    constexpr auto operator()(const Members&... members) const {
        return std::get<I>(std::tuple<const std::remove_reference_t<Members>*...>(&members...));
    }
};

/// Names member `I` of an aggregate in compilers' messages; by its number if it has no address of its own (a reference,
/// a bit-field).
template <class T, std::size_t I>
struct name_of_member {
    using type = name_of_member;
};
template <class T, std::size_t I>
    requires requires { typename member<visit_fields(one<T>.object, address_of_member<I>{})>; }
struct name_of_member<T, I> {
    using type = member<visit_fields(one<T>.object, address_of_member<I>{})>;
};
template <class T, std::size_t I>
using member_of = typename name_of_member<T, I>::type;
#if defined(__clang__)
#    pragma clang diagnostic pop
#endif

/// `type_list` of the declared types of an aggregate's members, without const.
template <class T>
using field_types = decltype(visit_fields(std::declval<const T&>(), collect_types{}));

}  // namespace cadre::detail
