#pragma once

#include <string>

/// Starts this program once more as a service on the executor `spec`, opens connections, sends SIGTERM in the middle,
/// and checks that every connection that was accepted is answered and that the service ends by the signal. @return the
/// exit status
int demonstrate(const std::string& spec);
