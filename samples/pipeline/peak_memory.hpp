#pragma once

#include <cstddef>

#include <cadre/cadre.hpp>

/// The most memory that this process, or a process which runs the work of `ex`, has had at once, in MiB.
cadre::task<std::size_t> peak_memory(cadre::executor ex);
