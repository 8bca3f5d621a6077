#include "tree/parameters.hpp"

int main() {
    tree::measure(1, tree::count_serially);
    return 0;
}
