// A pointer in shared memory would refer to the memory of one process.
// expect: T must be a trivially copyable type without pointers, references or views

#include <cadre/shared_value.hpp>

struct node {
    int value;
    node* next;
};

void make(const cadre::executor& ex) { cadre::shared_value<node> v{ex, node{1, nullptr}}; }
