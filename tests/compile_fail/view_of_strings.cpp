// expect: not portable: a view (std::string_view, std::span, a range view) does not own its elements; pass an owner

#include <cadre/job.hpp>

#include <span>
#include <string>
#include <vector>

std::size_t count(std::span<const std::string> words) { return words.size(); }

auto start(const cadre::executor& ex, const std::vector<std::string>& words) { return cadre::spawn(ex, count, words); }
