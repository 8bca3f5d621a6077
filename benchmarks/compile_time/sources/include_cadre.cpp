#include <cadre/cadre.hpp>

int main() {}
