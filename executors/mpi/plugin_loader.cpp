#include "mpi/plugin_loader.hpp"

#include <cadre/errors.hpp>

#include <array>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <dlfcn.h>
#include <limits.h>
#include <unistd.h>

namespace cadre::detail::mpi {
namespace {

struct library_names {
    library_kind kind;
    const char* id;  // in the name of the plugin
    const char* name;
    const char* launcher;
    const char* package;
    bool built;
};

constexpr std::array<library_names, 2> libraries{{
#if defined(CADRE_MPI_OPENMPI)
    {library_kind::openmpi, "openmpi", "Open MPI", "mpirun.openmpi", "libopenmpi-dev", true},
#else
    {library_kind::openmpi, "openmpi", "Open MPI", "mpirun.openmpi", "libopenmpi-dev", false},
#endif
#if defined(CADRE_MPI_MPICH)
    {library_kind::mpich, "mpich", "MPICH", "mpirun.mpich", "libmpich-dev", true},
#else
    {library_kind::mpich, "mpich", "MPICH", "mpirun.mpich", "libmpich-dev", false},
#endif
}};

const library_names& names_of(library_kind kind) { return libraries[kind == library_kind::mpich ? 1 : 0]; }

std::string program_path() {
    std::array<char, PATH_MAX> path;
    const ssize_t length = ::readlink("/proc/self/exe", path.data(), path.size());
    return length > 0 ? std::string(path.data(), static_cast<std::size_t>(length)) : std::string();
}

std::string folder_of(const std::string& path) {
    const auto slash = path.rfind('/');
    return slash == std::string::npos ? std::string() : path.substr(0, slash);
}

// The command as the user wrote it, without arguments.
std::string called_as() {
    std::ifstream file("/proc/self/cmdline", std::ios::binary);
    std::string name;
    std::getline(file, name, '\0');
    return name.empty() ? "./app" : name;
}

std::string example(const char* launcher) { return std::string(launcher) + " -n 4 " + called_as() + " --executor=mpi"; }

// The search order: beside the program, the library folder of the program's prefix, beside the file that contains this
// code, the build folder, the install folder, the search path of the dynamic linker.
std::vector<std::string> places(const std::string& file) {
    std::vector<std::string> result;
    const auto add = [&](std::string folder) {
        if (!folder.empty()) folder += '/';
        folder += file;
        result.push_back(std::move(folder));
    };
    const std::string program = folder_of(program_path());
    if (!program.empty()) {
        add(program);
        add(program + "/../" CADRE_MPI_LIBRARY_FOLDER);
    }
    Dl_info here{};
    if (::dladdr(reinterpret_cast<const void*>(&libraries), &here) != 0 && here.dli_fname != nullptr) {
        if (std::string folder = folder_of(here.dli_fname); !folder.empty() && folder != program)
            add(std::move(folder));
    }
    add(CADRE_MPI_BUILD_FOLDER);
    add(CADRE_MPI_INSTALL_FOLDER);
    add({});
    return result;
}

// An error that all ranks detect: only rank 0 reports it.
[[noreturn]] void refuse(const std::optional<launch>& found, std::string message) {
    throw config_error(found && found->rank > 0 ? std::string() : std::move(message));
}

// An error that depends on the host: reported once for each host.
[[noreturn]] void refuse_here(const launch& found, std::string message) {
    if (found.rank > 0) {
        std::array<char, 256> host{};
        static_cast<void>(::gethostname(host.data(), host.size() - 1));
        message += std::string(" (on ") + host.data() + ")";
    }
    throw config_error(found.local_rank > 0 ? std::string() : std::move(message));
}

struct loaded {
    const cadre_mpi_functions* functions = nullptr;
    std::string why_not{};
};

loaded load_file(const std::string& path) {
    void* const library = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) {
        const char* const error = ::dlerror();
        return {.why_not = error != nullptr ? error : path + " cannot be loaded"};
    }
    void* const symbol = ::dlsym(library, cadre_mpi_plugin_symbol);
    if (symbol == nullptr) {
        ::dlclose(library);
        return {.why_not = path + " is not an MPI plugin of this version of cadre"};
    }
    return {.functions = reinterpret_cast<cadre_mpi_plugin_fn*>(symbol)()};
}

// Tries each place. The last one is the bare name, whose error explains best why an existing library cannot be loaded.
loaded load_kind(const library_names& names) {
    const std::string file = std::string("libcadre_mpi_") + names.id + ".so";
    for (const std::string& path : places(file)) {
        if (path == file || ::access(path.c_str(), F_OK) == 0) {
            loaded result = load_file(path);
            if (result.functions != nullptr || path != file) return result;
        }
    }
    return {.why_not = file + " is neither beside the program nor in " CADRE_MPI_INSTALL_FOLDER
                              "; copy it there, or set CADRE_MPI_PLUGIN to its path"};
}

// The order of the libraries if the launcher supports both.
std::array<const library_names*, 2> order_for(const launch& found) {
    const bool mpich_first = found.kind == library_kind::mpich ||
                             (found.kind == library_kind::either && found.launcher == "srun --mpi=pmi2");
    return mpich_first ? std::array{&libraries[1], &libraries[0]} : std::array{&libraries[0], &libraries[1]};
}

// A path, or the id of a library; empty if the user has not chosen.
std::string chosen_plugin() {
    const char* const value = ::secure_getenv("CADRE_MPI_PLUGIN");
    return value != nullptr ? value : std::string();
}

bool is_built(const library_names& names) { return names.built || !chosen_plugin().empty(); }

}  // namespace

launch check_launch() {
    const std::optional<launch> found = launch_of_this_process();
    if (!is_built(libraries[0]) && !is_built(libraries[1]))
        refuse(found, "mpi: this build has no MPI: install libopenmpi-dev or libmpich-dev and build again");
    if (!found) {
        const char* const launcher = !libraries[1].built ? libraries[0].launcher : libraries[1].launcher;
        const bool one = libraries[0].built != libraries[1].built;
        refuse(found, "mpi: no MPI launcher started this program: start it by `" + example(one ? launcher : "mpirun") +
                          "`, or by `srun --mpi=pmix` in a job of Slurm");
    }
    if (found->kind == library_kind::none) {
        refuse(found, "mpi: srun started " + std::to_string(found->size) +
                          " processes without MPI: start them by `srun --mpi=pmix` (`srun --mpi=list` lists what this "
                          "Slurm supports), or by mpirun inside the job");
    }
    if (found->kind != library_kind::either && !is_built(names_of(found->kind))) {
        const library_names& other = *order_for(*found)[1];
        refuse(found, "mpi: started by " + std::string(found->launcher) + ", but this build has " + other.name +
                          " only: start the program by `" + other.launcher + "`, or install " +
                          names_of(found->kind).package + " and build again");
    }
    return *found;
}

const cadre_mpi_functions& load_plugin() {
    const launch found = check_launch();
    const std::string chosen = chosen_plugin();
    loaded result;
    if (chosen.find('/') != std::string::npos) {
        result = load_file(chosen);
    } else {
        bool known = false;
        for (const library_names* names : order_for(found)) {
            const bool wanted = chosen.empty()
                                    ? names->built && (found.kind == library_kind::either || found.kind == names->kind)
                                    : chosen == names->id;
            known = known || wanted;
            if (wanted && result.functions == nullptr) result = load_kind(*names);
        }
        if (!known) {
            refuse(found,
                   "CADRE_MPI_PLUGIN: expected openmpi, mpich or the path of a plugin with a slash in it, got '" +
                       chosen + "'");
        }
    }
    if (result.functions == nullptr) refuse_here(found, "mpi: the MPI plugin cannot be loaded: " + result.why_not);
    const library_kind kind =
        std::string_view(result.functions->kind) == libraries[1].id ? library_kind::mpich : library_kind::openmpi;
    if (found.kind != library_kind::either && found.kind != kind) {
        refuse(found, "mpi: started by " + std::string(found.launcher) + ", but CADRE_MPI_PLUGIN chooses " +
                          names_of(kind).name + ": start the program by `" + names_of(kind).launcher +
                          "`, or unset CADRE_MPI_PLUGIN");
    }
    return *result.functions;
}

}  // namespace cadre::detail::mpi
