#pragma once

#include <filesystem>

#include "measurements.hpp"

/// The same by two threads and a mutex, for the comparison of times.
totals aggregate_by_hand(const std::filesystem::path& file);
