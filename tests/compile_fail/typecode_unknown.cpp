// 'x' is not a type code.
// expect: no such type code; the type codes are b B u h H i I l L q Q f d

#include <cadre/typecode.hpp>

cadre::typecode_t<'x'> value;
