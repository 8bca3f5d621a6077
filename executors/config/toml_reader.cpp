#include <cadre/config.hpp>

#include "config/kinds.hpp"
#include "config/names.hpp"
#include "config/suggest.hpp"
#include "config/toml.hpp"
#include "config/toml_ascii_check.hpp"

#include <algorithm>

namespace cadre {
namespace {

// Turns one document into a config. Every error names its position.
class reader {
public:
    reader(std::string_view text, std::string_view filename) : text_(text), filename_(filename) {}

    config read() const {
        const toml::table document = parse();
        config result;
        for (const auto& [key, node] : document) {
            if (key == "executor") {
                const auto* const name = node.as_string();
                if (name == nullptr) {
                    detail::fail_at(at(node, "executor"), "expected a string, got " + describe(node, "executor") +
                                                              (node.is_table() ? "; did you mean 'executors'?" : ""));
                }
                if (name->get().empty())
                    detail::fail_at(at(node, "executor"), "expected the name of an executor or KIND:WORKERS, got \"\"");
                result.executor = name->get();
                result.executor_origin = at(node, "executor");
            } else if (key == "executors") {
                read_executors(table_at(node, "executors"), result);
            } else {
                const std::string known[] = {"executor", "executors"};
                detail::fail_at(at(key, key.str()), "unknown key" + detail::did_you_mean(key.str(), known));
            }
        }
        return result;
    }

private:
    toml::table parse() const {
        if (const std::string copy = detail::ascii_copy(text_); copy != text_) {
            static_cast<void>(parse(copy));
            if (const auto forbidden = detail::check_ascii(text_))
                detail::fail_at(position(*forbidden), forbidden->reason);
        }
        return parse(text_);
    }

    toml::table parse(std::string_view text) const {
        try {
            return toml::parse(text, filename_);
        } catch (const toml::parse_error& e) {
            std::string message(e.description());
            std::ranges::replace(message, '\n', ' ');  // the message may quote the input
            detail::fail_at(position(e.source().begin), message);
        } catch (const detail::toml_assertion&) {
            detail::fail_at(filename_ + ':' + std::to_string(find_assertion_line(text)) + ":1",
                            "this is not valid TOML");
        }
    }

    // The first line up to which parsing the text hits an assertion of toml++: that failure carries no position.
    // Quadratic in the number of lines, only on this path of errors.
    std::size_t find_assertion_line(std::string_view text) const {
        std::size_t end = 0;
        for (std::size_t line = 1;; ++line) {
            end = text.find('\n', end);
            try {
                static_cast<void>(toml::parse(text.substr(0, end), filename_));
            } catch (const toml::parse_error&) {
                // This prefix ends within a value of several lines.
            } catch (const detail::toml_assertion&) {
                return line;
            }
            if (end == std::string_view::npos) return line;
            ++end;
        }
    }

    void read_executors(const toml::table& executors, config& result) const {
        for (const auto& [key, node] : executors) {
            const std::string path = "executors." + std::string(key.str());
            if (!detail::is_name(key.str()))
                detail::fail_at(at(key, path), "expected a name of " + std::string(detail::name_rule));
            executor_config c;
            c.name = key.str();
            c.origin = at(node, path);
            read_options(table_at(node, path), path, "", c);
            take_kind(c);
            detail::check_options(c);  // kind_options.cpp, which refuses unknown keys
            result.executors.emplace(c.name, std::move(c));
        }
    }

    void read_options(const toml::table& table, const std::string& path, const std::string& prefix,
                      executor_config& c) const {
        for (const auto& [key, node] : table) {
            const std::string name = prefix + std::string(key.str());
            const std::string full = path + "." + std::string(key.str());
            if (const toml::table* const inner = node.as_table()) {
                if (inner->empty())   // an empty table would be ignored, whatever its name is
                    detail::fail_at(at(key, full), "expected options, got an empty table");
                read_options(*inner, full, name + ".", c);
                continue;
            }
            option_value value = convert(node, full);
            value.set_origin(at(node, full));
            c.options.emplace(name, std::move(value));
        }
    }

    static void take_kind(executor_config& c) {
        const auto kind = c.string("kind");
        const auto inner = c.options.lower_bound("kind.");
        if (inner != c.options.end() && inner->first.starts_with("kind."))
            c.fail(inner->first, "'kind' takes a single value, not a table");
        if (!kind) c.fail("kind", "missing; expected one of " + detail::listed(detail::all_kinds()));
        c.kind = *kind;
        detail::check_kind(c);
        c.options.erase("kind");
    }

    option_value convert(const toml::node& node, const std::string& path) const {
        if (const auto* const text = node.as_string()) return text->get();
        if (const auto* const whole = node.as_integer()) return whole->get();
        if (const auto* const number = node.as_floating_point()) return number->get();
        if (const auto* const flag = node.as_boolean()) return flag->get();
        if (const auto* const array = node.as_array()) {
            option_value::array values;
            for (const toml::node& element : *array)
                values.push_back(convert(element, path));
            return values;
        }
        detail::fail_at(at(node, path), "expected a string, a number, true, false or an array, got " + kind_of(node));
    }

    const toml::table& table_at(const toml::node& node, const std::string& path) const {
        const toml::table* const table = node.as_table();
        if (table == nullptr) detail::fail_at(at(node, path), "expected a table, got " + describe(node, path));
        return *table;
    }

    static std::string kind_of(const toml::node& node) {
        return node.is_table() ? "a table" : node.is_date() ? "a date" : node.is_time() ? "a time" : "a date and time";
    }

    std::string describe(const toml::node& node, const std::string& path) const {
        if (node.is_array_of_tables()) return "an array of tables";
        const bool nameless = node.is_table() || node.is_date() || node.is_time() || node.is_date_time();
        return nameless ? kind_of(node) : convert(node, path).text();
    }

    // `where` is a source_position of toml++ or of the ASCII check.
    template <class Position>
    std::string position(const Position& where) const {
        return filename_ + ':' + std::to_string(where.line) + ':' + std::to_string(where.column);
    }
    // `located` is a node or a key.
    template <class Located>
    std::string at(const Located& located, std::string_view path) const {
        return position(located.source().begin) + ": " + std::string(path);
    }

    std::string_view text_;
    std::string filename_;
};

}  // namespace

config config::parse(std::string_view text, std::string_view filename) { return reader(text, filename).read(); }

}  // namespace cadre
