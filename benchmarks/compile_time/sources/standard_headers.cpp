// The standard headers that such a program includes anyway.
#include <algorithm>
#include <chrono>
#include <coroutine>
#include <functional>
#include <future>
#include <iostream>
#include <map>
#include <memory>
#include <ranges>
#include <string>
#include <vector>

int main() {}
