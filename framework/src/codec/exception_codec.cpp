#include <cadre/detail/codec/exception_codec.hpp>

#include <algorithm>
#include <mutex>
#include <optional>
#include <string>
#include <typeinfo>
#include <unordered_map>
#include <vector>

#include <cadre/detail/codec/codec.hpp>
#include <cadre/errors.hpp>
#include <cadre/nested_errors.hpp>
#include <cadre/register_exception.hpp>

#include "base/exception_text.hpp"
#include "base/type_name.hpp"
#include "codec/known_exceptions.hpp"

namespace cadre {

namespace detail {

remote_origin::remote_origin(exception_origin origin)
    : origin_(std::make_shared<const exception_origin>(std::move(origin))) {}

namespace {

/// The limit of nested exceptions: a hostile message could claim any number; a longer valid chain is truncated.
constexpr std::size_t max_chain = 32;
constexpr std::size_t max_nested = 64;  // as many as `nested_errors` keeps

/// The type as the program spells it. std::throw_with_nested throws a class of the standard library that derives from
/// the type of its argument.
std::string thrown_type(std::string name) {
    constexpr std::string_view wrapper = "std::_Nested_exception<";
    if (name.starts_with(wrapper) && name.ends_with('>')) {
        name = name.substr(wrapper.size(), name.size() - wrapper.size() - 1);
        if (name.ends_with(' ')) name.pop_back();
    }
    return name;
}

class registry {
public:
    void add(std::string name, registered_exception entry) {
        const std::lock_guard lock(mutex_);
        entries_.insert_or_assign(std::move(name), entry);
    }
    [[nodiscard]] std::optional<registered_exception> find(const std::string& name) const {
        const std::lock_guard lock(mutex_);
        const auto found = entries_.find(name);
        if (found == entries_.end()) return std::nullopt;
        return found->second;
    }

private:
    mutable std::mutex mutex_;  // a leaf: guards the table
    std::unordered_map<std::string, registered_exception> entries_;
};

registry& registered() {
    static registry& all = *new registry;  // never destroyed: exceptions may still be decoded while the program exits
    return all;
}

/// The encoded form of one exception of a chain.
struct exception_image {
    std::string text;
    std::string type_name;
    std::string where;
    std::string item;
    std::uint64_t base =
        0;  ///< index of its nearest known class, plus one; 0 if it does not derive from std::exception
    bool exact = false;  ///< the exception is of that class, not of a derived one
    std::vector<std::byte> base_state;
    bool is_registered = false;
    std::vector<std::byte> registered_state;
};

std::vector<std::byte> copy_bytes(const byte_buffer& buffer) { return {buffer.span().begin(), buffer.span().end()}; }

/// The text of an exception that does not derive from std::exception.
std::string foreign_text(const std::exception_ptr& exception, const std::string& type_name) {
    try {
        std::rethrow_exception(exception);
    } catch (const std::string& text) {
        return text;
    } catch (const char* text) {
        return text ? text : "";
    } catch (...) {
        return "an exception of type " + type_name;
    }
}

void describe_standard(exception_image& image, const std::exception& e, codec_context* context) {
    image.text = text_of(e);
    const auto* remote = dynamic_cast<const remote_origin*>(&e);
    if (remote) {
        image.type_name = remote->origin().type_name;
        image.where = remote->origin().where;
        image.item = remote->origin().item;
    }
    const std::size_t index = find_known(e);
    const known_exception& known = known_exceptions()[index];
    image.base = index + 1;
    image.exact = image.type_name == type_name(known.type) || remote != nullptr;
    byte_buffer state;
    encoder out(state, context);
    known.save(out, e);
    image.base_state = copy_bytes(state);
}

void describe_registered(exception_image& image, const std::exception_ptr& exception, codec_context* context) {
    const auto entry = registered().find(image.type_name);
    if (!entry) return;
    try {
        byte_buffer state;
        encoder out(state, context);
        entry->save(out, exception);
        image.registered_state = copy_bytes(state);
        image.is_registered = true;
    } catch (const std::exception&) {
        image.is_registered = false;  // a member cannot be encoded: rebuilt as its nearest known class
    }
}

/// Describes `exception`. @return the exception nested in it, or null
std::exception_ptr describe(exception_image& image, const std::exception_ptr& exception, codec_context* context) {
    std::exception_ptr inner;
    try {
        std::rethrow_exception(exception);
    } catch (const std::nested_exception& e) {
        inner = e.nested_ptr();
    } catch (...) {
        inner = nullptr;
    }
    try {
        std::rethrow_exception(exception);
    } catch (const std::exception& e) {
        image.type_name = thrown_type(type_name(typeid(e)));
        describe_standard(image, e, context);
    } catch (...) {
        image.type_name = thrown_type(current_exception_type_name());
        image.text = foreign_text(exception, image.type_name);
    }
    describe_registered(image, exception, context);
    return inner;
}

/// An unregistered class whose nearest known base is std::exception, std::runtime_error or error is rebuilt as
/// remote_error, which derives from all of them and also has the name of the class.
bool becomes_remote_error(const exception_image& image) {
    if (image.base == 0) return true;
    const std::type_info& base = known_exceptions()[image.base - 1].type;
    return !image.exact &&
           (base == typeid(std::exception) || base == typeid(std::runtime_error) || base == typeid(error));
}

std::exception_ptr rebuild(const exception_image& image, std::string_view where, const std::exception_ptr& inner,
                           codec_context* context) {
    const exception_origin origin{image.where.empty() ? std::string(where) : image.where, image.item, image.type_name,
                                  image.text};
    if (image.is_registered) {
        if (const auto entry = registered().find(image.type_name)) {
            decoder in(image.registered_state, context);
            return entry->load(in, origin, inner);
        }
    }
    if (becomes_remote_error(image)) return rebuild_exception(remote_error(image.type_name, image.text), origin, inner);
    decoder in(image.base_state, context);
    return known_exceptions()[image.base - 1].load(in, origin, inner);
}

using exception_chain = std::vector<exception_image>;  // from the outermost

exception_chain describe_chain(const std::exception_ptr& exception, codec_context* context) {
    exception_chain chain;
    for (std::exception_ptr level = exception; level && chain.size() != max_chain;)
        level = describe(chain.emplace_back(), level, context);
    return chain;
}

std::exception_ptr rebuild_chain(const exception_chain& chain, std::string_view where, codec_context* context) {
    std::exception_ptr rebuilt_so_far;
    for (auto image = chain.rbegin(); image != chain.rend(); ++image)
        rebuilt_so_far = rebuild(*image, where, rebuilt_so_far, context);
    return rebuilt_so_far;
}

/// The errors nested in `exception`, and those nested in them, each once.
std::vector<std::exception_ptr> all_nested(const std::exception_ptr& exception) {
    std::vector<std::exception_ptr> all = nested_errors(exception);
    for (std::size_t i = 0; i < all.size(); ++i)
        for (auto& deeper : nested_errors(all[i]))
            if (all.size() < max_nested && std::ranges::find(all, deeper) == all.end())
                all.push_back(std::move(deeper));
    return all;
}

void check_chain(const exception_chain& chain) {
    if (chain.empty() || chain.size() > max_chain) throw_malformed("the length of an exception chain is out of range");
    for (const exception_image& image : chain)
        if (image.base > known_exceptions().size()) throw_malformed("the class of an exception is unknown");
}

}  // namespace

void add_registered_exception(const std::type_info& type, registered_exception entry) {
    registered().add(type_name(type), entry);
}

void encode_exception(encoder& out, const std::exception_ptr& exception) {
    encode(out, describe_chain(exception, out.context()));
    std::vector<exception_chain> nested;
    for (const std::exception_ptr& error : all_nested(exception))
        nested.push_back(describe_chain(error, out.context()));
    encode(out, nested);
}

std::exception_ptr decode_exception(decoder& in, std::string_view where) {
    const auto chain = decode<exception_chain>(in);
    check_chain(chain);
    const auto nested = decode<std::vector<exception_chain>>(in);
    if (nested.size() > max_nested) throw_malformed("the number of nested errors is out of range");
    for (const exception_chain& each : nested)
        check_chain(each);
    std::exception_ptr exception = rebuild_chain(chain, where, in.context());
    for (const exception_chain& each : nested)
        add_nested_error(exception, rebuild_chain(each, where, in.context()));
    return exception;
}

std::exception_ptr at_item(const std::exception_ptr& exception, std::size_t index) {
    exception_chain chain = describe_chain(exception, nullptr);
    if (chain.front().where.empty()) chain.front().item = ", item " + std::to_string(index);
    std::exception_ptr rebuilt_at_item = rebuild_chain(chain, "", nullptr);
    for (const std::exception_ptr& error : nested_errors(exception))
        add_nested_error(rebuilt_at_item, error);
    return rebuilt_at_item;
}

}  // namespace detail

std::string error_origin(const std::exception& e) {
    const auto* remote = dynamic_cast<const detail::remote_origin*>(&e);
    return remote ? remote->origin().where + remote->origin().item : std::string();
}

std::string error_origin(const std::exception_ptr& e) {
    if (e == nullptr) return {};
    try {
        std::rethrow_exception(e);
    } catch (const std::exception& caught) {
        return error_origin(caught);
    } catch (...) {
        return {};
    }
}

}  // namespace cadre
