/// @file
/// The executors of a program, from a TOML file or built in code.
///
///     cadre::config c;
///     c.executor = "untrusted";
///     c.executors["untrusted"] = {.kind = "process", .options = {{"workers", 3}, {"task_timeout", 2s}}};
///     cadre::runtime rt(c);
#pragma once

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <cadre/detail/base/durations.hpp>
#include <cadre/detail/base/filesystem_path.hpp>
#include <cadre/detail/base/owning_pointer.hpp>
#include <cadre/errors.hpp>

namespace cadre {

/// The value of one option and its origin. An integer of 2^63 or more is kept as the text of its digits, as on a
/// command line: only an option that takes such a number (`seed`) accepts it.
class option_value {
public:
    using array = std::vector<option_value>;
    using storage = std::variant<bool, std::int64_t, double, std::string, std::chrono::nanoseconds, array>;

    option_value(bool value);
    template <std::integral Int>
        requires(!std::same_as<Int, bool>)
    option_value(Int value)
        : option_value(std::in_range<std::int64_t>(value) ? whole{static_cast<std::int64_t>(value)}
                                                          : whole{0, static_cast<std::uint64_t>(value)}) {}
    option_value(double value);
    option_value(const char* value);
    option_value(std::string_view value);
    option_value(std::string value);
    template <class Rep, class Period>
    option_value(std::chrono::duration<Rep, Period> value) : option_value(time{detail::to_nanoseconds(value)}) {}
    option_value(array value);
    template <class Rep>
        requires std::constructible_from<option_value, Rep>
    option_value(const std::vector<Rep>& values) : option_value(array(values.begin(), values.end())) {}
    // Defined in the library, and the variant is held by pointer: to instantiate it in every file is expensive.
    option_value(const option_value& other);
    option_value(option_value&& other) noexcept;
    option_value& operator=(const option_value& other);
    option_value& operator=(option_value&& other) noexcept;
    ~option_value();

    [[nodiscard]] const storage& value() const noexcept;
    /// The value as error messages show it: `3`, `"three"`, `[0, 1]`.
    [[nodiscard]] std::string text() const;

    /// Prefix of error messages about the value: `app.toml:3:11: executors.cpu.workers`, `--workers` or
    /// `CADRE_WORKERS`; empty for a value made in code.
    [[nodiscard]] const std::string& origin() const noexcept { return origin_; }
    void set_origin(std::string origin) { origin_ = std::move(origin); }

private:
    struct whole {
        std::int64_t value;
        std::uint64_t beyond = 0;  // instead of `value`: 2^63 or more
    };
    struct time {
        std::chrono::nanoseconds value;
    };
    explicit option_value(whole value);
    explicit option_value(time value);

    detail::owning_pointer<const storage> value_;  // null: moved from
    std::string origin_{};
};

/// The kind and the options of one executor. Factories read the options by the functions below: each returns an empty
/// optional if the option is absent, and throws a `config_error` that names the option's origin if its value has the
/// wrong type or is out of range.
struct executor_config {
    std::string kind{};
    std::map<std::string, option_value, std::less<>> options{};
    /// The name of the executor; set by `config` and `runtime`.
    std::string name{};
    /// Prefix of error messages: `app.toml:1:1: executors.cpu`, `--executor`, `CADRE_EXECUTOR`; empty if made in code.
    std::string origin{};

    /// The option `workers`: a whole number from 1 to 4096.
    [[nodiscard]] std::optional<int> workers() const;
    /// A whole number.
    [[nodiscard]] std::optional<std::int64_t> integer(std::string_view key) const;
    /// A whole number that is at least `least`.
    [[nodiscard]] std::optional<std::size_t> count(std::string_view key, std::size_t least = 1) const;
    /// A whole number from 0 to 2^64 - 1; from 2^63 on it is a string of digits, since TOML has no such number.
    [[nodiscard]] std::optional<std::uint64_t> unsigned_integer(std::string_view key) const;
    /// A number, whole or not.
    [[nodiscard]] std::optional<double> number(std::string_view key) const;
    [[nodiscard]] std::optional<bool> boolean(std::string_view key) const;
    [[nodiscard]] std::optional<std::string> string(std::string_view key) const;
    /// The index in `choices` of the option's text.
    [[nodiscard]] std::optional<std::size_t> choice(std::string_view key,
                                                    std::span<const std::string_view> choices) const;
    /// `"500ms"`, `"2s"`, `"5m"`, `"2h"`; not negative. Units: ns, us, ms, s, m or min, h, d.
    [[nodiscard]] std::optional<std::chrono::nanoseconds> duration(std::string_view key) const;
    /// `"256MiB"`, `"1G"`, `"64kB"`, or a whole number of bytes. Units: B, kB, MB, GB, TB, and K, M, G, T or KiB, MiB,
    /// GiB, TiB for powers of 1024.
    [[nodiscard]] std::optional<std::size_t> bytes(std::string_view key) const;
    /// An array of whole numbers.
    [[nodiscard]] std::optional<std::vector<std::int64_t>> integers(std::string_view key) const;

    /// Refuses options that are not in `known`: a factory calls it so that no option is silently ignored.
    /// @throws config_error that names the first unknown option and the closest known one
    void allow_only(std::span<const std::string_view> known) const;
    void allow_only(std::initializer_list<std::string_view> known) const;
    /// @throws config_error with the origin of the option `key` and `message`, always
    [[noreturn]] void fail(std::string_view key, std::string_view message) const;
};

/// The configuration of a `runtime`.
struct config {
    /// The executor that `runtime::executor()` returns: a name from `executors` or a spec such as `thread:8`. Empty:
    /// `thread`.
    std::string executor{};
    /// The named executors.
    std::map<std::string, executor_config, std::less<>> executors{};
    /// Prefix of error messages about `executor`: `app.toml:1:12: executor`; empty if set in code.
    std::string executor_origin{};

    /// Reads a TOML file.
    /// @throws config_error `FILE:LINE:COLUMN: …` if the file cannot be read, is not valid TOML, or has an unknown key
    /// or a value of the wrong type
    [[nodiscard]] static config load(const std::filesystem::path& file);
    [[nodiscard]] static config load(const std::string& file);
    [[nodiscard]] static config load(const char* file);
    /// Reads TOML text; `filename` appears in error messages.
    /// @throws config_error as `load` does
    [[nodiscard]] static config parse(std::string_view text, std::string_view filename = "config");
};

}  // namespace cadre
