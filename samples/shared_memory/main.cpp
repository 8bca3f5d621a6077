// Shows: memory that tasks on every executor share: single values, an array, an array of two dimensions, and cells of
// each of the type codes of Python's multiprocessing.Value and Array.
//
// The handles are passed by value like any argument. They only name the cell: no contents are copied to a worker or
// sent back.

#include <algorithm>
#include <cstddef>
#include <iomanip>
#include <iostream>
#include <ranges>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <cadre/cadre.hpp>

namespace {

using int_cell = cadre::shared_value<cadre::typecode_t<'i'>>;
using double_cell = cadre::shared_value<cadre::typecode_t<'d'>>;

void change_values(int_cell number, double_cell ratio) {
    number.fetch_add(41);  // atomic: concurrent additions need no lock
    ratio.store(3.25);
}

int times_ten(cadre::shared_array<int> numbers, std::size_t i) {
    return numbers[i] *= 10;  // no lock needed: each task has its own element
}

double fill_row(cadre::shared_array<double, 2> grid, std::size_t row) {
    double sum = 0;
    for (std::size_t column = 0; column < grid.extent(1); ++column) {
        grid(row, column) = static_cast<double>(10 * row + column);
        sum += grid(row, column);
    }
    return sum;
}

constexpr std::string_view type_name(char code) {
    switch (code) {
        case 'b': return "signed char";
        case 'B': return "unsigned char";
        case 'u': return "wchar_t";
        case 'h': return "short";
        case 'H': return "unsigned short";
        case 'i': return "int";
        case 'I': return "unsigned int";
        case 'l': return "long";
        case 'L': return "unsigned long";
        case 'q': return "long long";
        case 'Q': return "unsigned long long";
        case 'f': return "float";
        case 'd': return "double";
        default: return "?";
    }
}

template <class T>
void double_it(cadre::shared_value<T> cell) {
    cell.store(static_cast<T>(cell.load() + cell.load()));
}

/// One line of the table: a task doubles a cell of this type, from 21 to 42. Empty if it failed.
template <char Code>
cadre::task<std::string> type_code_row(cadre::executor ex) {
    using type = cadre::typecode_t<Code>;
    cadre::shared_value<type> cell{ex, static_cast<type>(21)};
    co_await cadre::on(ex, double_it<type>, cell);
    std::ostringstream row;
    row << "  " << Code << "  " << std::left << std::setw(20) << type_name(Code) << std::right << sizeof(type) << "  "
        << static_cast<double>(cell.load());
    co_return cell.load() == static_cast<type>(42) ? row.str() : std::string();
}

/// A row for each code; the tasks start when they are awaited.
template <char... Codes>
std::vector<cadre::task<std::string>> type_code_rows(const cadre::executor& ex) {
    std::vector<cadre::task<std::string>> rows;
    (rows.push_back(type_code_row<Codes>(ex)), ...);
    return rows;
}

cadre::task<int> app(cadre::executor ex) {
    int_cell number{ex, 1};
    double_cell ratio{ex, 0.0};
    co_await cadre::on(ex, change_values, number, ratio);
    std::cout << "i: " << number.load() << "\nd: " << ratio.load() << '\n';
    bool right = number.load() == 42 && ratio.load() == 3.25;

    // map passes each task its index; bind_portable fixes the array as the first argument.
    cadre::shared_array<int> numbers{ex, {1, 2, 3, 4}};
    co_await cadre::map(ex, cadre::bind_portable(times_ten, numbers), std::views::iota(std::size_t{0}, numbers.size()));
    const std::vector<int> tens{10, 20, 30, 40};
    std::cout << "array:";
    for (int value : numbers)
        std::cout << ' ' << value;
    std::cout << '\n';
    right = right && std::ranges::equal(numbers, tens);

    cadre::shared_array<double, 2> grid{ex, {2, 3}};
    co_await cadre::map(ex, cadre::bind_portable(fill_row, grid), std::views::iota(std::size_t{0}, grid.extent(0)));
    std::cout << "two dimensions:\n";
    for (std::size_t i = 0; i < grid.extent(0); ++i) {
        for (std::size_t j = 0; j < grid.extent(1); ++j) {
            std::cout << std::setw(4) << grid(i, j);
            right = right && grid(i, j) == static_cast<double>(10 * i + j);
        }
        std::cout << '\n';
    }

    std::cout << "type codes: C type, size in bytes, 21 doubled by a task\n";
    auto rows = type_code_rows<'b', 'B', 'u', 'h', 'H', 'i', 'I', 'l', 'L', 'q', 'Q', 'f', 'd'>(ex);
    const auto lines = co_await cadre::when_all(std::move(rows));
    for (const auto& row : lines) {
        std::cout << row << '\n';
        right = right && !row.empty();
    }

    if (!right) std::cerr << "shared_memory: a change by a task is missing\n";
    co_return right ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
    cadre::runtime rt(argc, argv);  // first line of main: worker processes start from here
    return rt.run(app(rt.executor()));
}
