// A ring under a mutex and two condition variables between threads: a channel without a library.

#include "channel/parameters.hpp"

#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

namespace {

class ring {
public:
    void send(std::uint64_t item) {
        std::unique_lock lock(mutex_);
        not_full_.wait(lock, [this] { return count_ != cells_.size(); });
        cells_[(first_ + count_++) % cells_.size()] = item;
        if (count_ == 1) not_empty_.notify_one();
    }
    std::uint64_t receive() {
        std::unique_lock lock(mutex_);
        not_empty_.wait(lock, [this] { return count_ != 0; });
        const std::uint64_t item = cells_[first_];
        first_ = (first_ + 1) % cells_.size();
        if (count_-- == cells_.size()) not_full_.notify_one();
        return item;
    }

private:
    std::mutex mutex_;
    std::condition_variable not_full_;
    std::condition_variable not_empty_;
    std::vector<std::uint64_t> cells_ = std::vector<std::uint64_t>(channel::capacity);
    std::size_t first_ = 0;
    std::size_t count_ = 0;
};

}  // namespace

int main() {
    // One producer and one consumer, so notifying one is enough; needs two threads.
    channel::measure(2, [](std::uint64_t items) {
        ring r;
        std::uint64_t sum = 0;
        std::thread producer([&] {
            for (std::uint64_t i = 0; i != items; ++i)
                r.send(i);
        });
        std::thread consumer([&] {
            for (std::uint64_t i = 0; i != items; ++i)
                sum += r.receive();
        });
        producer.join();
        consumer.join();
        return sum;
    });
    return 0;
}
