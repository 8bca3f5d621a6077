/// @file
/// `generator<T>`: a synchronous lazy range, written as a coroutine.
///
///     cadre::generator<int> squares(int n) { for (int i = 0; i < n; ++i) co_yield i * i; }
///     for (int s : squares(5)) std::cout << s << '\n';
#pragma once

#include <coroutine>
#include <cstddef>
#include <exception>
#include <iterator>
#include <memory>
#include <ranges>
#include <type_traits>
#include <utility>

#include <cadre/detail/coroutine/frame_pool.hpp>

namespace cadre {

template <class T>
class generator;

/// Yielded by the body of a generator: the elements of `inner`, or what is left of them, as elements of its own. An
/// exception of `inner` leaves the `co_yield`. An element costs the same at every depth of nesting, whereas nested
/// loops cost one step for each level.
///
///     cadre::generator<int> walk(const node* n) {
///         if (n == nullptr) co_return;
///         co_yield cadre::elements_of(walk(n->left));
///         co_yield n->value;
///         co_yield cadre::elements_of(walk(n->right));
///     }
template <class T>
class elements_of {
public:
    explicit elements_of(generator<T> inner) noexcept : inner_(std::move(inner)) {}

private:
    friend generator<T>;
    generator<T> inner_;
};

/// A single-pass input range that computes its elements on demand. Move-only. `begin()` and `++` throw what the body
/// throws. Not a task: its body cannot use `co_await`. Not thread-safe.
///
/// `*it` is a `T&` to the object that the body yields, so that a consumer may move it out; a yielded constant is
/// copied. For a reference type `T` it is a `T`, to the object itself.
template <class T>
class [[nodiscard]] generator : public std::ranges::view_base {
    using reference = std::conditional_t<std::is_reference_v<T>, T, T&>;

public:
    class promise_type : public detail::pooled_frame {
        // Goes back to the body that has yielded these elements.
        struct end_awaiter {
            [[nodiscard]] static bool await_ready() noexcept { return false; }
            // `Promise` is promise_type, or derived from it in a body whose frame has a larger alignment.
            template <class Promise>
            [[nodiscard]] static std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> ended) noexcept {
                promise_type& p = ended.promise();
                if (!p.outer_) return std::noop_coroutine();
                return p.outermost().innermost_ = p.outer_;
            }
            static void await_resume() noexcept {}
        };
        class inner_awaiter {
        public:
            explicit inner_awaiter(generator&& inner) noexcept : inner_(std::move(inner)) {}
            [[nodiscard]] bool await_ready() const noexcept { return !inner_.frame_ || inner_.frame_.done(); }
            template <class Promise>
            [[nodiscard]] std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> outer) const noexcept {
                promise_type& o = outer.promise();
                promise_type& p = inner_.frame_.promise();
                p.outer_ = std::coroutine_handle<promise_type>::from_promise(o);
                p.root_ = &o.outermost();
                return p.root_->innermost_ = p.innermost_ ? p.innermost_ : inner_.frame_;
            }
            void await_resume() const {
                if (inner_.frame_) inner_.frame_.promise().rethrow_error();
            }

        private:
            generator inner_;
        };

    public:
        [[nodiscard]] generator get_return_object() noexcept {
            return generator(std::coroutine_handle<promise_type>::from_promise(*this));
        }
        [[nodiscard]] static std::suspend_always initial_suspend() noexcept { return {}; }
        [[nodiscard]] static end_awaiter final_suspend() noexcept { return {}; }
        [[nodiscard]] inner_awaiter yield_value(elements_of<T> elements) noexcept {
            return inner_awaiter(std::move(elements.inner_));
        }
        // The yielded object lives until the body is resumed, as part of its full expression.
        [[nodiscard]] std::suspend_always yield_value(reference value) noexcept {
            outermost().value_ = std::addressof(value);
            return {};
        }
        [[nodiscard]] std::suspend_always yield_value(T&& value) noexcept
            requires(!std::is_reference_v<T>)
        {
            outermost().value_ = std::addressof(value);
            return {};
        }
        [[nodiscard]] auto yield_value(const T& value)
            requires(!std::is_reference_v<T> && !std::is_const_v<T> && std::is_copy_constructible_v<T>)
        {
            return yielded_copy(value, outermost().value_);
        }
        static void return_void() noexcept {}
        void unhandled_exception() noexcept { error_ = std::current_exception(); }
        template <class A>
        void await_transform(A&&) = delete;

    private:
        friend generator;
        class yielded_copy : public std::suspend_always {
        public:
            yielded_copy(const T& value, std::add_pointer_t<reference>& published)
                : copy_(value), published_(published) {}
            void await_suspend(std::coroutine_handle<>) noexcept { published_ = std::addressof(copy_); }

        private:
            T copy_;
            std::add_pointer_t<reference>& published_;
        };

        // The promise of the generator that the consumer reads: `root_`, unless `root_` has itself been yielded since.
        [[nodiscard]] promise_type& outermost() noexcept {
            while (root_->outer_)
                root_ = root_->root_;
            return *root_;
        }
        void rethrow_error() {
            if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
        }

        std::add_pointer_t<reference> value_ = nullptr;  // of the outermost: the present element
        std::coroutine_handle<promise_type> innermost_;  // of the outermost: the body to resume; null: its own
        promise_type* root_ = this;
        std::coroutine_handle<promise_type>
            outer_;  // generator that yields the elements of this one; null: this is the outermost
        std::exception_ptr error_;
    };

    class iterator {
    public:
        using value_type = std::remove_cvref_t<T>;
        using difference_type = std::ptrdiff_t;

        iterator() noexcept = default;
        [[nodiscard]] reference operator*() const noexcept { return static_cast<reference>(*frame_.promise().value_); }
        iterator& operator++() {
            advance(frame_);
            return *this;
        }
        void operator++(int) { ++*this; }
        friend bool operator==(const iterator& it, std::default_sentinel_t) noexcept {
            return !it.frame_ || it.frame_.done();
        }

    private:
        friend generator;
        explicit iterator(std::coroutine_handle<promise_type> frame) noexcept : frame_(frame) {}
        std::coroutine_handle<promise_type> frame_;
    };

    /// Without elements.
    generator() noexcept = default;
    generator(generator&& other) noexcept : frame_(std::exchange(other.frame_, nullptr)) {}
    generator& operator=(generator&& other) noexcept {
        std::swap(frame_, other.frame_);
        return *this;
    }
    ~generator() {
        if (frame_) frame_.destroy();
    }

    /// Runs the body to its first element. Call it once. @throws what the body throws
    [[nodiscard]] iterator begin() {
        if (frame_) advance(frame_);
        return iterator(frame_);
    }
    [[nodiscard]] static std::default_sentinel_t end() noexcept { return {}; }

private:
    explicit generator(std::coroutine_handle<promise_type> frame) noexcept : frame_(frame) {}
    static void advance(std::coroutine_handle<promise_type> frame) {
        promise_type& p = frame.promise();
        (p.innermost_ ? p.innermost_ : frame).resume();
        p.rethrow_error();
    }
    std::coroutine_handle<promise_type> frame_;
};

}  // namespace cadre

template <class T, class... Parameters>
struct std::coroutine_traits<cadre::generator<T>, Parameters...> {
    using promise_type =
        typename cadre::detail::promise_for<typename cadre::generator<T>::promise_type, Parameters...>::type;
};
