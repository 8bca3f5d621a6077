/// @file
/// Declares `std::filesystem::path`, without its heavy header where the standard library has one for that.
#pragma once

#if __has_include(<bits/fs_fwd.h>)
#    include <bits/fs_fwd.h>
#else
#    include <filesystem>
#endif
