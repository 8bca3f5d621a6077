#pragma once

// The environment in which the fragments of the documentation compile: the headers, and the names that stand for a
// reader's own code.

#include <cadre/cadre.hpp>
#include <cadre/executors/mpi.hpp>
#include <cadre/shared_segment.hpp>

#include <array>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <iostream>
#include <map>
#include <numeric>
#include <optional>
#include <ranges>
#include <string>
#include <tuple>
#include <vector>

#include <sys/socket.h>

using namespace std::chrono_literals;

[[maybe_unused]] inline std::uint64_t square(std::uint64_t x) { return x * x; }

// Functions of a reader's program.
cadre::task<int> app(cadre::executor ex);
int count_words(const std::filesystem::path& file);
std::string decode(const std::filesystem::path& file);
std::string resize(const std::filesystem::path& file);
int work_and_count(cadre::shared_value<std::uint64_t> done, int item);
cadre::task<int> answer();
cadre::task<std::uint64_t> fib(std::uint64_t n);
cadre::task<std::string> fetch(std::string url);
cadre::task<std::string> ask(std::string host);
cadre::task<void> serve(int client);
int serve_connection(cadre::unique_fd connection);
std::string read_line_from_terminal();
void use(int result);
void crunch_a_little();
int crunch(const std::vector<int>& data);
struct request {
    std::string body;
    std::uint64_t number;
};
int handle(const request& r);
void* my_allocate(std::size_t size);
void my_deallocate(void* memory, std::size_t size) noexcept;

// Values of a reader's program.
extern cadre::runtime& rt;
extern int argc;
extern char** argv;
extern const std::filesystem::path file, image;
extern const std::vector<std::filesystem::path> files;
extern const std::vector<int> items, data;
extern const std::string url, primary, mirror;
extern const std::size_t rows, columns;
extern const std::uint64_t n;
extern std::vector<cadre::job<int>> jobs;
extern int first, counter, listener;

struct lookup_cache {};

struct tbb_backend final : cadre::executor_backend {
    explicit tbb_backend(std::size_t workers);
    cadre::executor_kind kind() const noexcept override;
    std::size_t concurrency() const noexcept override;
    std::string name() const override;
    void submit(std::span<cadre::work_item* const> items) noexcept override;
};
