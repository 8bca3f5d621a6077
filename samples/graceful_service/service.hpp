#pragma once

#include <cstdint>

#include <cadre/cadre.hpp>

/// The work of one request: how many prime numbers are below `n`. Runs in this program or in a worker process.
std::uint64_t primes_below(std::uint64_t n);

/// Answers one request a connection on 127.0.0.1 until stop is requested; then everything that was accepted is
/// answered, and the task ends by `cancelled`. Port 0: one that is free. Prints the port.
cadre::task<void> serve(cadre::executor ex, std::uint16_t port);
