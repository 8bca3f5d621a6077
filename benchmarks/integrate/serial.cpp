#include "integrate/parameters.hpp"

namespace {

double area(double x1, double y1, double x2, double y2, double whole) {
    const double half = (x2 - x1) / 2;
    const double x = x1 + half;
    const double y = integrate::f(x);
    const double left = (y1 + y) / 2 * half;
    const double right = (y + y2) / 2 * half;
    if (std::abs(left + right - whole) < integrate::epsilon) return left + right;
    return area(x1, y1, x, y, left) + area(x, y, x2, y2, right);
}

}  // namespace

int main() {
    integrate::measure(1, area);
    return 0;
}
