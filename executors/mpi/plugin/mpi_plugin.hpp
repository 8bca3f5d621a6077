/// @file
/// The functions of MPI that the link needs, with plain types. One source implements them; it is compiled once against
/// each MPI library, because the types and constants of `mpi.h` differ between them. A program loads the one that
/// belongs to its launcher.
#pragma once

#include <cstdint>

extern "C" {

/// All functions return 0, or an error code for `error_text`, unless said otherwise. One thread calls them, from `init`
/// to `finalize`. Messages go through a communicator of their own, so they do not mix with those of the program.
struct cadre_mpi_functions {
    const char* kind;  ///< "openmpi" or "mpich"
    /// Initialises MPI, unless the program has done so.
    int (*init)();
    /// Whether `init` failed because the program initialised MPI without MPI_THREAD_MULTIPLE.
    int (*needs_thread_multiple)();
    int (*rank)();
    int (*size)();
    /// The name and version of the library.
    void (*library)(char* text, int capacity);
    /// Collective: writes the host name of each rank, `length` bytes each with a terminating zero.
    int (*hosts)(char* names, int length);
    /// Starts a send; the bytes must stay valid until `test` reports its completion.
    int (*isend)(const void* bytes, int count, int to, int tag, std::uint64_t* request);
    int (*test)(std::uint64_t* request, int* ended);
    /// Whether a message has arrived, from any rank and with any tag.
    int (*iprobe)(int* arrived, int* from, int* tag, int* count);
    /// Receives the message that `iprobe` found.
    int (*recv)(void* bytes, int count, int from, int tag);
    /// Collective. Frees the communicator, and ends MPI if `init` began it.
    int (*finalize)();
    void (*error_text)(int error, char* text, int capacity);
    /// Writes the ranks that have failed. @return their number, at most `capacity`; -1 if the library cannot report
    /// them. Null without ULFM.
    int (*failed_ranks)(int* ranks, int capacity);
};

/// The only symbol of a plugin; the number at its end changes with the struct.
inline constexpr const char cadre_mpi_plugin_symbol[] = "cadre_mpi_plugin_1";
using cadre_mpi_plugin_fn = const cadre_mpi_functions*();

}  // extern "C"
