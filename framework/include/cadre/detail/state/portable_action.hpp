/// @file
/// A portable callable of no arguments behind one type, for handles that carry a function.
#pragma once

#include <functional>
#include <memory>
#include <type_traits>
#include <utility>

#include <cadre/detail/codec/codec.hpp>
#include <cadre/portable.hpp>

namespace cadre::detail {

/// Copies share one callable. Thread-safe if calling the callable is.
class portable_action {
public:
    portable_action() noexcept = default;
    template <class F>
    explicit portable_action(std::in_place_t, F f) : callable_(std::make_shared<const model<F>>(std::move(f))) {}

    [[nodiscard]] explicit operator bool() const noexcept { return callable_ != nullptr; }
    void operator()() const { callable_->call(); }

    void encode(encoder& out) const;
    /// Calls only functions that this class has made for reading: another process names the function.
    static portable_action decode(decoder& in);

private:
    struct callable {
        callable() = default;
        callable(const callable&) = delete;
        callable& operator=(const callable&) = delete;
        virtual ~callable() = default;
        virtual void call() const = 0;
        virtual void encode(encoder& out) const = 0;
    };
    using reader = portable_action (*)(decoder&);
    /// The known readers, one for each type of callable in the program; made by static initialisation.
    struct known_reader {
        explicit known_reader(reader r) noexcept;
        reader read;
        known_reader* next;
    };
    static bool known(reader r) noexcept;

    template <class F>
    struct model final : callable {
        explicit model(F f) : function(std::move(f)) {}
        void call() const override {
            F copy = function;
            std::invoke(copy);
        }
        void encode(encoder& out) const override {
            detail::encode(out, reader_of.read);
            detail::encode(out, function);
        }
        static portable_action read(decoder& in) { return portable_action(std::in_place, detail::decode<F>(in)); }

        F function;
        static inline known_reader reader_of{&read};
    };

    std::shared_ptr<const callable> callable_;
};

/// What can be the action of a barrier: portable, callable without arguments, and copyable.
template <class F>
concept portable_action_function =
    portable_callable<F> && std::is_invocable_v<std::decay_t<F>&> && std::is_copy_constructible_v<std::decay_t<F>>;

}  // namespace cadre::detail
