/// @file
/// Messages that list the kinds of executors differ between builds with and without MPI and RabbitMQ.
#pragma once

#include <string>
#include <string_view>

/// `message` without the kinds that a build may lack.
inline std::string without_optional_kinds(std::string message) {
    for (const std::string_view kind : {"cluster, ", "mpi, "})
        for (std::size_t at = message.find(kind); at != std::string::npos; at = message.find(kind))
            message.erase(at, kind.size());
    return message;
}
