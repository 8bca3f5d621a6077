// expect: not portable: a view (std::string_view, std::span, a range view) does not own its elements; pass an owner

#include <cadre/on.hpp>

#include <string_view>

std::string_view first_word(std::string_view text) { return text.substr(0, text.find(' ')); }

cadre::task<> run(cadre::executor ex) { co_await cadre::on(ex, first_word, "two words"); }
