// expect: a class with constructors or private members cannot be decomposed into members

#include <cadre/bind_portable.hpp>

class account {
public:
    explicit account(int balance) : balance_(balance) {}
    int balance() const { return balance_; }

private:
    int balance_;
};
int balance_of(const account& a) { return a.balance(); }

auto bound = cadre::bind_portable(balance_of, account(5));
