#pragma once

// What the fragments of README.md may take for granted.

#include <cadre/cadre.hpp>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <iostream>
#include <map>
#include <numeric>
#include <optional>
#include <ranges>
#include <string>
#include <tuple>
#include <vector>

using namespace std::chrono_literals;

[[maybe_unused]] inline std::uint64_t square(std::uint64_t x) { return x * x; }
