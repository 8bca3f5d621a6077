#include "by_hand.hpp"

#include <array>
#include <exception>
#include <mutex>
#include <thread>

#include "text_file.hpp"

totals aggregate_by_hand(const std::filesystem::path& file) {
    piece_reader pieces(file);
    totals all;
    std::exception_ptr error;
    std::mutex reading;
    std::mutex adding;
    const auto work = [&] {
        try {
            for (;;) {
                std::string piece;
                {
                    const std::lock_guard hold(reading);
                    piece = pieces.next();
                }
                if (piece.empty()) return;
                const auto stations = parse(piece);
                const std::lock_guard hold(adding);
                all.add(stations);
            }
        } catch (...) {
            const std::lock_guard hold(adding);
            error = std::current_exception();
        }
    };
    {
        const std::array workers{std::jthread(work), std::jthread(work)};
    }
    if (error != nullptr) std::rethrow_exception(error);
    return all;
}
