// The table "what a call ends with" of docs/errors.md: each cell is produced, together with many others and beside
// other load.

#include "failure_cell.hpp"
#include "full.hpp"

#include "executors/process/guard.hpp"

#include <cadre/detail/base/sanitizers.hpp>
#include <cadre/executors/process.hpp>
#include <cadre/on.hpp>
#include <cadre/scope.hpp>
#include <cadre/sleep.hpp>
#include <cadre/sync_wait.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <map>
#include <random>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace cadre::soak;
using namespace std::chrono_literals;
using cadre::executor;
using cadre::task;

using cell = std::pair<incident, moment>;

// Sanitizers map more than any limit: workers are not limited.
#if defined(CADRE_ASAN) || defined(CADRE_TSAN)
constexpr bool no_memory_limits = true;
#else
constexpr bool no_memory_limits = false;
#endif

// The rows of the table, as the page has them: an empty cell cannot be.
std::map<std::string, std::vector<std::string>> rows_of_page() {
    std::ifstream page(CADRE_ERRORS_PAGE);
    std::map<std::string, std::vector<std::string>> rows;
    std::string line;
    while (std::getline(page, line) && line != "## What a call ends with") {
    }
    while (std::getline(page, line) && !line.starts_with("## ")) {
        if (!line.starts_with("| ")) continue;
        std::vector<std::string> cells;
        std::istringstream in(line.substr(1));
        for (std::string one; std::getline(in, one, '|');) {
            one.erase(0, one.find_first_not_of(' '));
            one.erase(one.find_last_not_of(' ') + 1);
            cells.push_back(one);
        }
        rows[cells.at(0)] = {cells.begin() + 1, cells.end()};
    }
    return rows;
}

std::string text_of(cell c) {
    return std::string(incident_names[static_cast<std::size_t>(c.first)]) + ", " +
           std::string(moment_names[static_cast<std::size_t>(c.second)]);
}

using ends = std::map<cell, std::set<std::string>>;

task<void> bring_about(std::vector<cell> cells, std::size_t& next, ends& seen) {
    while (next < cells.size()) {
        const cell c = cells[next++];
        std::string end = co_await end_of_call(c.first, c.second);
        seen[c].insert(std::move(end));
    }
}

int twice(int x) { return 2 * x; }
task<void> load(executor ex, const bool& over) {
    for (int i = 0;; ++i) {
        if (over) co_return;
        EXPECT_EQ(co_await cadre::on(ex, twice, i), 2 * i);
        if (i % 64 == 0) co_await cadre::sleep_for(1ms);
    }
}

task<void> bring_all_about(std::vector<cell> cells, ends& seen) {
    const executor busy = cadre::process_executor{{.workers = 2}};
    bool over = false;
    cadre::scope background;
    for (int i = 0; i < 4; ++i)
        background.spawn(load(busy, over));
    const auto alone = std::partition(cells.begin(), cells.end(), [](cell c) { return !exclusive(c.first); });
    const std::vector<cell> last(alone, cells.end());
    cells.erase(alone, cells.end());
    std::size_t next = 0;
    cadre::scope s;
    for (int i = 0; i < 6; ++i)
        s.spawn(bring_about(cells, next, seen));
    co_await s.join();
    next = 0;
    co_await bring_about(last, next, seen);
    over = true;
    co_await background.join();
}

TEST(failure_table, every_call_ends_as_the_page_says) {
    const auto rows = rows_of_page();
    ASSERT_EQ(rows.size(), incident_names.size() + 2);  // and the head
    std::vector<cell> cells;
    std::map<cell, std::string> expected;
    for (std::size_t row = 0; row < incident_names.size(); ++row) {
        const auto found = rows.find(std::string(incident_names[row]));
        ASSERT_NE(found, rows.end()) << incident_names[row];
        ASSERT_EQ(found->second.size(), moment_names.size()) << incident_names[row];
        for (std::size_t column = 0; column < moment_names.size(); ++column) {
            const cell c{static_cast<incident>(row), static_cast<moment>(column)};
            if (found->second[column].empty()) continue;
            if (no_memory_limits && c.first == incident::memory) continue;
            expected[c] = found->second[column];
            cells.push_back(c);
        }
    }
    for (std::size_t column = 0; column < moment_names.size(); ++column)
        EXPECT_EQ(rows.at("what happens").at(column), moment_names[column]);
    const cadre::process_tests::hang_guard guard(std::chrono::seconds(part_or_all(300, 800)));
    std::mt19937 random(1);
    ends seen;
    for (int repetition = part_or_all(1, 20); repetition != 0; --repetition) {
        std::ranges::shuffle(cells, random);
        cadre::sync_wait(bring_all_about(cells, seen));
    }
    for (const auto& [c, all] : seen)
        for (const std::string& end : all)
            EXPECT_EQ(end, expected[c]) << text_of(c);
}

}  // namespace
