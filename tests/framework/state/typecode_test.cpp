#include <cadre/typecode.hpp>

#include <type_traits>

#include <gtest/gtest.h>

namespace {

using cadre::typecode_t;

static_assert(std::is_same_v<typecode_t<'b'>, signed char> && std::is_same_v<typecode_t<'B'>, unsigned char>);
static_assert(std::is_same_v<typecode_t<'u'>, wchar_t>);
static_assert(std::is_same_v<typecode_t<'h'>, short> && std::is_same_v<typecode_t<'H'>, unsigned short>);
static_assert(std::is_same_v<typecode_t<'i'>, int> && std::is_same_v<typecode_t<'I'>, unsigned>);
static_assert(std::is_same_v<typecode_t<'l'>, long> && std::is_same_v<typecode_t<'L'>, unsigned long>);
static_assert(std::is_same_v<typecode_t<'q'>, long long> && std::is_same_v<typecode_t<'Q'>, unsigned long long>);
static_assert(std::is_same_v<typecode_t<'f'>, float> && std::is_same_v<typecode_t<'d'>, double>);

TEST(typecode, is_checked_when_it_compiles) { SUCCEED(); }

}  // namespace
