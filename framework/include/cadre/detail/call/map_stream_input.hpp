/// @file
/// The input of a `map_stream`: a range, or another stream.
#pragma once

#include <algorithm>
#include <cstddef>
#include <deque>
#include <exception>
#include <iterator>
#include <limits>
#include <memory>
#include <optional>
#include <ranges>
#include <type_traits>
#include <utility>
#include <vector>

#include <cadre/detail/base/late_object.hpp>
#include <cadre/detail/base/range_item.hpp>
#include <cadre/detail/call/map_input.hpp>
#include <cadre/detail/call/map_stream_link.hpp>
#include <cadre/detail/call/side_by_side.hpp>
#include <cadre/detail/coroutine/frame_pool.hpp>
#include <cadre/detail/task/background_task.hpp>
#include <cadre/detail/task/stream_queue.hpp>
#include <cadre/stream.hpp>
#include <cadre/stream_of.hpp>
#include <cadre/task.hpp>

namespace cadre::detail {

template <class Range>
struct range_item {
    using type = range_element<Range>;
};
template <class... Rs>
struct range_item<side_by_side<Rs...>> {
    using type = item_of<side_by_side<Rs...>>;
};

/// Ranges whose items are plain values in an array, or consecutive integers: many are read in one step.
template <class Range, class Item>
inline constexpr bool readable_in_runs = false;
template <class Range, class Item>
    requires(std::ranges::contiguous_range<Range> && std::ranges::sized_range<Range>)
inline constexpr bool readable_in_runs<Range, Item> =
    std::is_same_v<std::ranges::range_value_t<Range>, Item> && std::is_trivially_copyable_v<Item> &&
    std::is_copy_constructible_v<Item> && !std::is_same_v<Item, bool>;
template <class Item, class Bound>
    requires(std::is_integral_v<Item> && !std::is_same_v<Item, bool>)
inline constexpr bool readable_in_runs<std::ranges::iota_view<Item, Bound>, Item> =
    std::ranges::sized_range<std::ranges::iota_view<Item, Bound>> || std::is_same_v<Bound, std::unreachable_sentinel_t>;

/// Items of a range, which is read when they are sent.
template <class Range>
class range_items {
public:
    using item = typename range_item<Range>::type;
    static constexpr bool reads_ahead = false;
    static constexpr bool reads_runs = readable_in_runs<std::remove_reference_t<Range>, item>;

    explicit range_items(Range&& range) : range_(std::forward<Range>(range)) {}
    range_items(range_items&& other) : range_(std::move(other.range_)) {}  // moved only before `begin`
    range_items& operator=(range_items&&) = delete;
    ~range_items() = default;

    [[nodiscard]] std::optional<std::size_t> size() { return range_.size(); }
    void begin(map_stream_link& /*link*/) {
        at_.emplace(range_.begin());
        end_.emplace(range_.end());
    }
    /// Called with the number of items that may be read.
    void poll(std::size_t /*room*/) noexcept {}
    /// Whether an item can be read now.
    [[nodiscard]] bool ready() { return *at_ != *end_; }
    /// Whether no more items come.
    [[nodiscard]] bool ended() { return !ready(); }
    [[nodiscard]] item read() { return static_cast<item>(**at_); }
    void advance() { ++*at_; }
    /// Appends up to `most` items. @return how many
    std::size_t read_run(std::vector<item>& items, std::size_t most)
        requires reads_runs
    {
        if constexpr (std::ranges::sized_range<std::remove_reference_t<Range>>)
            most = std::min(most, static_cast<std::size_t>(*end_ - *at_));
        const auto n = static_cast<std::iter_difference_t<iterator>>(most);
        if constexpr (std::ranges::contiguous_range<std::remove_reference_t<Range>>) {
            items.insert(items.end(), *at_, *at_ + n);
        } else {  // the iterators of an iota_view are input iterators to `insert`
            const std::size_t before = items.size();
            items.resize(before + most);
            item next = **at_;
            for (std::size_t i = before; i != items.size(); ++i)
                items[i] = next++;
        }
        *at_ += n;
        return most;
    }
    /// The error of the end.
    [[nodiscard]] static std::exception_ptr error() noexcept { return nullptr; }

private:
    using iterator = decltype(std::declval<kept_range<Range>&>().begin());

    kept_range<Range> range_;
    std::optional<iterator> at_;
    std::optional<decltype(std::declval<kept_range<Range>&>().end())> end_;
};

/// Items of a stream, which a separate task reads ahead: as many as there is room for.
template <class T>
class stream_items {
public:
    using item = T;
    static constexpr bool reads_ahead = true;
    static constexpr bool reads_runs = false;

    explicit stream_items(stream<T> source) noexcept : source_(std::move(source)) {}
    stream_items(stream_items&& other) noexcept : source_(std::move(other.source_)) {}  // moved only before `begin`
    stream_items& operator=(stream_items&&) = delete;
    ~stream_items() = default;

    [[nodiscard]] static std::optional<std::size_t> size() noexcept { return std::nullopt; }
    void begin(std::shared_ptr<map_stream_link> link) {
        reader_.emplace(read(queue_, std::move(source_), std::move(link)));
    }
    void poll(std::size_t room) {
        if (ended_) return;
        ended_ = queue_->take_all(items_);
        queue_->set_capacity(room > items_.size() ? std::min(room - items_.size(), max_ahead) : 0);
    }
    [[nodiscard]] bool ready() const noexcept { return !items_.empty(); }
    [[nodiscard]] bool ended() const noexcept { return ended_ && items_.empty(); }
    [[nodiscard]] T read() { return std::move(items_.front()); }
    void advance() { items_.pop_front(); }
    [[nodiscard]] std::exception_ptr error() const noexcept { return ended() ? queue_->error() : nullptr; }

    void stop() noexcept { reader_->request_stop(); }
    [[nodiscard]] stream_queue_base::awaiter joined() noexcept { return queue_->ended(); }

private:
    static constexpr std::size_t max_ahead = 1024;

    static task<void> read(std::shared_ptr<stream_queue<T>> queue, stream<T> source,
                           std::shared_ptr<map_stream_link> link, frame_for<T> /*locals*/ = {}) {
        std::exception_ptr error;
        try {
            stream<T> reading = std::move(source);  // ends before the queue does
            for (;;) {
                co_await queue->room();
                auto element = co_await reading.next();
                if (!element) break;
                queue->push(std::move(*element));
                link->signal();
            }
        } catch (...) {
            error = std::current_exception();
        }
        queue->end(std::move(error));
        link->signal();
    }

    stream<T> source_;
    std::shared_ptr<stream_queue<T>> queue_ = std::make_shared<stream_queue<T>>(0);
    std::deque<T> items_;
    bool ended_ = false;
    late_object<background_work> reader_;
};

/// Reads items of an input for `map_run::send_next`, up to a number.
template <class Input>
class item_cursor {
public:
    item_cursor(Input& input, std::size_t max_items) noexcept : input_(&input), left_(max_items) {}

    [[nodiscard]] auto operator*() const { return input_->read(); }
    item_cursor& operator++() {
        input_->advance();
        --left_;
        return *this;
    }
    [[nodiscard]] std::size_t left() const noexcept { return left_; }
    /// Appends the next items, up to `most`, in one step.
    template <class Item>
    void read_run(std::vector<Item>& items, std::size_t most)
        requires Input::reads_runs
    {
        left_ -= input_->read_run(items, std::min(most, left_));
    }
    friend bool operator==(const item_cursor& c, std::default_sentinel_t) { return c.left_ == 0 || !c.input_->ready(); }

private:
    Input* input_;
    std::size_t left_;
};

}  // namespace cadre::detail
