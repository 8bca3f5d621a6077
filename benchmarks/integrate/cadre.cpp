#include "integrate/parameters.hpp"

#include <cadre/cadre.hpp>

namespace {

cadre::task<double> area(double x1, double y1, double x2, double y2, double whole) {
    const double half = (x2 - x1) / 2;
    const double x = x1 + half;
    const double y = integrate::f(x);
    const double left = (y1 + y) / 2 * half;
    const double right = (y + y2) / 2 * half;
    if (std::abs(left + right - whole) < integrate::epsilon) co_return left + right;
    const auto [a, b] = co_await cadre::when_all(area(x1, y1, x, y, left), area(x, y, x2, y2, right));
    co_return a + b;
}

}  // namespace

int main() {
    for (const unsigned threads : bench::thread_counts) {
        cadre::thread_executor ex{{.workers = static_cast<int>(threads)}};
        integrate::measure(threads, [&](double x1, double y1, double x2, double y2, double whole) {
            return cadre::sync_wait(cadre::on(ex, area, x1, y1, x2, y2, whole));
        });
    }
    return 0;
}
