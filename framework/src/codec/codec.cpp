#include <cadre/detail/codec/codec.hpp>

#include <future>
#include <ios>
#include <string>

namespace cadre::detail {

void throw_truncated() { throw codec_error("malformed message: it is truncated"); }

void throw_bad_size() { throw codec_error("malformed message: a size exceeds the bytes left"); }

void throw_malformed(const char* what) { throw codec_error(std::string("malformed message: ") + what); }

void throw_decoded_too_deep() {
    throw codec_error("malformed message: values are nested more than " + std::to_string(max_nesting) + " levels deep");
}

void throw_encoded_too_deep() {
    throw not_portable("a value nested more than " + std::to_string(max_nesting) +
                       " levels deep cannot be sent: use indices into a vector instead of a chain of pointers");
}

void throw_valueless_variant() { throw not_portable("a std::variant that is valueless_by_exception cannot be sent"); }

void encoder::write_aligned_run(const void* bytes, std::size_t count) {
    const std::size_t used = (out_->size() + borrowed_bytes_ + 1) % run_alignment;
    const std::size_t padding = used == 0 ? 0 : run_alignment - used;
    write_byte(static_cast<std::uint8_t>(padding));
    std::memset(out_->extend(padding), 0, padding);
    if (borrowed_ != nullptr && count >= borrow_from) {
        borrowed_->push_back({out_->size(), {static_cast<const std::byte*>(bytes), count}});
        borrowed_bytes_ += count;
        return;
    }
    write(bytes, count);
}

namespace {

using category_getter = const std::error_category& (*)() noexcept;

/// A category is encoded as its index in this list.
constexpr category_getter standard_categories[] = {&std::generic_category, &std::system_category,
                                                   &std::iostream_category, &std::future_category};

void encode_category(encoder& out, const std::error_category& category) {
    for (std::size_t i = 0; i != std::size(standard_categories); ++i) {
        if (category == standard_categories[i]()) {
            out.write_byte(static_cast<std::uint8_t>(i));
            return;
        }
    }
    throw not_portable(std::string("an error code of category '") + category.name() +
                       "' cannot be sent: only the standard categories are portable");
}

const std::error_category& decode_category(decoder& in) {
    const std::uint8_t index = in.read_byte();
    if (index >= std::size(standard_categories)) throw_malformed("an error category is unknown");
    return standard_categories[index]();
}

template <class Code>
void encode_code(encoder& out, const Code& code) {
    encode_category(out, code.category());
    codec<int>::encode(out, code.value());
}

template <class Code>
Code decode_code(decoder& in) {
    const std::error_category& category = decode_category(in);
    return {codec<int>::decode(in), category};
}

}  // namespace

void codec<std::error_code>::encode(encoder& out, const std::error_code& code) { encode_code(out, code); }
std::error_code codec<std::error_code>::decode(decoder& in) { return decode_code<std::error_code>(in); }

void codec<std::error_condition>::encode(encoder& out, const std::error_condition& code) { encode_code(out, code); }
std::error_condition codec<std::error_condition>::decode(decoder& in) { return decode_code<std::error_condition>(in); }

}  // namespace cadre::detail
