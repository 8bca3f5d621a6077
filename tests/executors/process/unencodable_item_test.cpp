// An item that cannot be encoded fails a map like one whose function throws.

#include "support.hpp"

#include <cadre/bind_portable.hpp>
#include <cadre/map.hpp>
#include <cadre/shared_array.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using namespace cadre::process_tests;
using cadre::process_executor;

struct parcel {
    int number = 0;
    std::string text;

    template <class Archive>
    void serialize(Archive& archive) {
        archive(number, text);
        if (number == 8) throw std::domain_error("no way to write it");  // half of it is written by now
    }
};
int open_parcel(cadre::shared_array<int> opened, const parcel& p) {
    if (p.text != "parcel " + std::to_string(p.number)) throw std::logic_error("another text");
    opened[static_cast<std::size_t>(p.number)] = 1;
    return p.number;
}
std::vector<parcel> parcels() {
    std::vector<parcel> all;
    for (int i = 0; i < 12; ++i)
        all.push_back({i, "parcel " + std::to_string(i)});
    return all;
}

TEST(process_unencodable_item, fails_a_map_and_those_before_it_run) {
    const cadre::executor ex = process_executor{{.workers = 1}};
    for (const std::size_t chunk : {1u, 0u, 4u, 12u}) {
        cadre::shared_array<int> opened{ex, 12};
        auto f = cadre::bind_portable(open_parcel, opened);
        EXPECT_THROW(cadre::sync_wait(cadre::map(ex, f, parcels(), {.chunk = chunk})), std::domain_error);
        EXPECT_TRUE(std::all_of(opened.begin(), opened.begin() + 8, [](int o) { return o == 1; })) << chunk;
        EXPECT_EQ(opened[8], 0) << chunk;
    }
}

TEST(process_unencodable_item, is_the_only_outcome_without_a_value) {
    const cadre::executor ex = process_executor{{.workers = 1}};
    for (const std::size_t chunk : {1u, 0u, 4u, 12u}) {
        cadre::shared_array<int> opened{ex, 12};
        auto f = cadre::bind_portable(open_parcel, opened);
        const auto outcomes = cadre::sync_wait(cadre::map_outcomes(ex, f, parcels(), {.chunk = chunk}));
        ASSERT_EQ(outcomes.size(), 12u);
        for (std::size_t i = 0; i < outcomes.size(); ++i)
            EXPECT_EQ(outcomes[i].has_value(), i != 8) << "item " << i << " in chunks of " << chunk;
        EXPECT_THROW((void)outcomes[8].value(), std::domain_error);
        EXPECT_EQ(std::count(opened.begin(), opened.end(), 1), 11);
    }
}

}  // namespace
