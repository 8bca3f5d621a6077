#include <cadre/detail/codec/function_identity.hpp>

#include <gtest/gtest.h>

#include <complex>
#include <cstdlib>
#include <vector>

#include <dlfcn.h>

#include <cadre/detail/codec/codec.hpp>

namespace {

using namespace cadre::detail;

int free_function(int x) { return x + 1; }
template <class T>
T generic_function(T x) {
    return x * 2;
}

template <class F>
const void* address_of(F* function) {
    return reinterpret_cast<const void*>(function);
}

template <class F>
F* found_again(F* function) {
    return reinterpret_cast<F*>(const_cast<void*>(resolve_function(identify_function(address_of(function)))));
}

TEST(function_identity, resolves_to_the_same_function) {
    EXPECT_EQ(found_again(&free_function)(1), 2);
    EXPECT_EQ(found_again(&generic_function<long>)(4), 8);
    int (*lambda)(int) = [](int x) { return x * x; };
    EXPECT_EQ(found_again(lambda)(5), 25);
    EXPECT_EQ(found_again(&std::abs<int>)(-5), 5);
}

TEST(function_identity, is_the_same_every_time_and_differs_between_functions) {
    const function_id one = identify_function(address_of(&free_function));
    EXPECT_EQ(one, identify_function(address_of(&free_function)));
    EXPECT_NE(one, identify_function(address_of(&generic_function<int>)));
    EXPECT_NE(one.module, 0u);
}

TEST(function_identity, rejects_addresses_outside_of_code) {
    static int variable = 0;
    const auto heap = std::make_unique<int>(1);
    EXPECT_THROW((void)identify_function(&variable), cadre::not_portable);
    EXPECT_THROW((void)identify_function(heap.get()), cadre::not_portable);
    EXPECT_THROW((void)identify_function(nullptr), cadre::not_portable);
}

TEST(function_identity, accepts_only_code_of_a_known_module) {
    const function_id known = identify_function(address_of(&free_function));
    EXPECT_THROW((void)resolve_function({known.module + 1, known.offset}), cadre::not_portable);
    EXPECT_THROW((void)resolve_function({known.module, ~std::uint64_t{0} / 2}), cadre::not_portable);
    EXPECT_THROW((void)resolve_function({known.module, 0}), cadre::not_portable);  // the ELF header is not code
    EXPECT_THROW((void)resolve_function({}), cadre::not_portable);
}

TEST(function_identity, is_encoded_in_few_bytes) {
    const function_id id = identify_function(address_of(&free_function));
    byte_buffer bytes;
    encoder out(bytes);
    encode_function(out, id);
    EXPECT_LE(bytes.size(), 16u);
    decoder in(bytes.span());
    EXPECT_EQ(decode_function(in), id);
    EXPECT_EQ(in.remaining(), 0u);
}

// The identity of a function in a library, as another process sends it.
byte_buffer identity_in(const std::string& library) {
    byte_buffer bytes;
    encoder out(bytes);
    encode(out, std::uint64_t{1234});
    out.write_size(16);
    encode(out, library);
    return bytes;
}

// Before a test calls `trust_library_paths`, which has no inverse.
TEST(function_identity, a_process_that_does_not_trust_the_sender_loads_no_library) {
    const byte_buffer bytes = identity_in("libBrokenLocale.so.1");
    decoder in(bytes.span());
    EXPECT_THROW((void)decode_function(in), cadre::not_portable);
    EXPECT_EQ(dlopen("libBrokenLocale.so.1", RTLD_NOW | RTLD_NOLOAD), nullptr);
}

TEST(function_identity, carries_the_path_of_a_library_that_was_loaded_late) {
    void* library = dlopen("libanl.so.1", RTLD_NOW | RTLD_LOCAL);
    if (!library) library = dlopen("libBrokenLocale.so.1", RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        GTEST_SKIP() << "no library available that is not loaded yet";
    }
    void* function = dlsym(library, "_init");
    for (const char* name : {"getaddrinfo_a", "gai_cancel", "__ctype_get_mb_cur_max"})
        if (!function) function = dlsym(library, name);
    ASSERT_TRUE(function);
    function_id id;
    try {
        id = identify_function(function);
    } catch (const cadre::not_portable& e) {
        GTEST_SKIP() << e.what();
    }
    byte_buffer bytes;
    encoder out(bytes);
    encode_function(out, id);
    dlclose(library);
    cadre::detail::trust_library_paths();
    decoder in(bytes.span());
    const function_id arrived = decode_function(in);  // loads it again, if the C library has unloaded it
    EXPECT_EQ(arrived, id);
    EXPECT_TRUE(resolve_function(arrived));
}

TEST(function_identity, names_the_library_that_is_missing) {
    const byte_buffer bytes = identity_in("/nowhere/libmissing.so");
    decoder in(bytes.span());
    try {
        (void)decode_function(in);
        FAIL();
    } catch (const cadre::not_portable& e) {
        EXPECT_NE(std::string(e.what()).find("libmissing.so"), std::string::npos);
    }
}

}  // namespace
