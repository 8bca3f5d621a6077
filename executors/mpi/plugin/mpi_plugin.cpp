#include "mpi/plugin/mpi_plugin.hpp"

#include <algorithm>
#include <cstdio>
#include <cstring>

#define OMPI_SKIP_MPICXX 1
#define MPICH_SKIP_MPICXX 1
#include <mpi.h>
#if defined(OPEN_MPI)
#    include <mpi-ext.h>
#endif

// Open MPI 5 reports failed ranks (ULFM, user-level failure mitigation).
#if defined(OMPI_HAVE_MPI_EXT_FTMPI) && OMPI_HAVE_MPI_EXT_FTMPI
#    define CADRE_MPI_ULFM 1
#endif

namespace {

MPI_Comm communicator = MPI_COMM_NULL;
bool began_mpi = false;
bool lacks_thread_multiple = false;

static_assert(sizeof(MPI_Request) <= sizeof(std::uint64_t));

int init() {
    int already = 0;
    if (const int error = MPI_Initialized(&already); error != MPI_SUCCESS) return error;
    int level = MPI_THREAD_SINGLE;
    if (already != 0) {
        static_cast<void>(MPI_Query_thread(&level));
        lacks_thread_multiple = level != MPI_THREAD_MULTIPLE;
        if (lacks_thread_multiple) return MPI_ERR_OTHER;
    } else {
        if (const int error = MPI_Init_thread(nullptr, nullptr, MPI_THREAD_SERIALIZED, &level); error != MPI_SUCCESS)
            return error;
        began_mpi = true;
    }
    if (const int error = MPI_Comm_dup(MPI_COMM_WORLD, &communicator); error != MPI_SUCCESS) return error;
    return MPI_Comm_set_errhandler(communicator, MPI_ERRORS_RETURN);
}

int needs_thread_multiple() { return lacks_thread_multiple ? 1 : 0; }

int rank() {
    int result = -1;
    static_cast<void>(MPI_Comm_rank(communicator, &result));
    return result;
}

int size() {
    int result = 0;
    static_cast<void>(MPI_Comm_size(communicator, &result));
    return result;
}

void copy_text(const char* from, char* to, int capacity) {
    static_cast<void>(std::snprintf(to, static_cast<std::size_t>(capacity), "%s", from));
}

// The first line only: MPICH appends its configuration.
void library(char* text, int capacity) {
    char version[MPI_MAX_LIBRARY_VERSION_STRING + 1]{};
    int length = 0;
    static_cast<void>(MPI_Get_library_version(version, &length));
    std::replace(version, version + sizeof version, '\t', ' ');
    version[std::strcspn(version, "\n,")] = '\0';
    copy_text(version, text, capacity);
}

int hosts(char* names, int length) {
    char own[MPI_MAX_PROCESSOR_NAME + 1]{};
    int own_length = 0;
    if (const int error = MPI_Get_processor_name(own, &own_length); error != MPI_SUCCESS) return error;
    char* const mine = names + static_cast<std::ptrdiff_t>(rank()) * length;
    std::memset(mine, 0, static_cast<std::size_t>(length));
    copy_text(own, mine, length);
    return MPI_Allgather(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, names, length, MPI_CHAR, communicator);
}

int isend(const void* bytes, int count, int to, int tag, std::uint64_t* request) {
    MPI_Request made = MPI_REQUEST_NULL;
    const int error = MPI_Isend(bytes, count, MPI_BYTE, to, tag, communicator, &made);
    std::memcpy(request, &made, sizeof made);
    return error;
}

int test(std::uint64_t* request, int* ended) {
    MPI_Request made;
    std::memcpy(&made, request, sizeof made);
    const int error = MPI_Test(&made, ended, MPI_STATUS_IGNORE);
    std::memcpy(request, &made, sizeof made);
    return error;
}

int iprobe(int* arrived, int* from, int* tag, int* count) {
    MPI_Status status;
    if (const int error = MPI_Iprobe(MPI_ANY_SOURCE, MPI_ANY_TAG, communicator, arrived, &status);
        error != MPI_SUCCESS || *arrived == 0) {
        return error;
    }
    *from = status.MPI_SOURCE;
    *tag = status.MPI_TAG;
    return MPI_Get_count(&status, MPI_BYTE, count);
}

int recv(void* bytes, int count, int from, int tag) {
    return MPI_Recv(bytes, count, MPI_BYTE, from, tag, communicator, MPI_STATUS_IGNORE);
}

int finalize() {
    int finalized = 0;
    if (const int error = MPI_Finalized(&finalized); error != MPI_SUCCESS || finalized != 0) return error;
    static_cast<void>(MPI_Comm_free(&communicator));
    return began_mpi ? MPI_Finalize() : MPI_SUCCESS;
}

void error_text(int error, char* text, int capacity) {
    char message[MPI_MAX_ERROR_STRING + 1]{};
    int length = 0;
    static_cast<void>(MPI_Error_string(error, message, &length));
    std::replace(message, message + sizeof message, '\n', ' ');
    copy_text(message, text, capacity);
}

#if defined(CADRE_MPI_ULFM)
int failed_ranks(int* ranks, int capacity) {
    MPI_Group failed = MPI_GROUP_NULL;
    if (MPIX_Comm_get_failed(communicator, &failed) != MPI_SUCCESS) return -1;
    int count = 0;
    static_cast<void>(MPI_Group_size(failed, &count));
    count = std::min(count, capacity);
    MPI_Group all = MPI_GROUP_NULL;
    static_cast<void>(MPI_Comm_group(communicator, &all));
    for (int i = 0; i < count; ++i)
        static_cast<void>(MPI_Group_translate_ranks(failed, 1, &i, all, &ranks[i]));
    static_cast<void>(MPI_Group_free(&all));
    static_cast<void>(MPI_Group_free(&failed));
    return count;
}
#endif

constexpr cadre_mpi_functions functions{
#if defined(OPEN_MPI)
    .kind = "openmpi",
#else
    .kind = "mpich",
#endif
    .init = init,
    .needs_thread_multiple = needs_thread_multiple,
    .rank = rank,
    .size = size,
    .library = library,
    .hosts = hosts,
    .isend = isend,
    .test = test,
    .iprobe = iprobe,
    .recv = recv,
    .finalize = finalize,
    .error_text = error_text,
#if defined(CADRE_MPI_ULFM)
    .failed_ranks = failed_ranks,
#else
    .failed_ranks = nullptr,
#endif
};

}  // namespace

extern "C" __attribute__((visibility("default"))) const cadre_mpi_functions* cadre_mpi_plugin_1() { return &functions; }
