#include "runtimes/tbb.hpp"
#include "integrate/parameters.hpp"

#include <tbb/task_group.h>

namespace {

double area(double x1, double y1, double x2, double y2, double whole) {
    const double half = (x2 - x1) / 2;
    const double x = x1 + half;
    const double y = integrate::f(x);
    const double left = (y1 + y) / 2 * half;
    const double right = (y + y2) / 2 * half;
    if (std::abs(left + right - whole) < integrate::epsilon) return left + right;
    double a = 0;
    tbb::task_group group;
    group.run([=, &a] { a = area(x1, y1, x, y, left); });
    const double b = area(x, y, x2, y2, right);
    group.wait();
    return a + b;
}

}  // namespace

int main() {
    for (const unsigned threads : bench::thread_counts) {
        bench::tbb_threads pool(threads);
        integrate::measure(threads, [&](double x1, double y1, double x2, double y2, double whole) {
            return pool.run([=] { return area(x1, y1, x2, y2, whole); });
        });
    }
    return 0;
}
