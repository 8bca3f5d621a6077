/// @file
/// Refuses a program whose Boost.Asio has another layout than that of the library, as `build_settings.hpp` does
/// for the rest: an `io_context` that the library makes is used by the program.
#pragma once

#include <boost/asio/detail/config.hpp>
#include <boost/version.hpp>

#include <cadre/detail/base/build_settings.hpp>

namespace cadre::the_library_must_be_built {

template <int Version>
void with_boost_version();

#if defined(BOOST_ASIO_ENABLE_HANDLER_TRACKING)
void with_DBOOST_ASIO_ENABLE_HANDLER_TRACKING();
#else
void without_DBOOST_ASIO_ENABLE_HANDLER_TRACKING();
#endif
#if defined(BOOST_ASIO_HAS_EPOLL)
void without_DBOOST_ASIO_DISABLE_EPOLL();
#else
void with_DBOOST_ASIO_DISABLE_EPOLL();
#endif
#if defined(BOOST_ASIO_HAS_IO_URING)
void with_DBOOST_ASIO_HAS_IO_URING();
#else
void without_DBOOST_ASIO_HAS_IO_URING();
#endif
#if defined(BOOST_ASIO_HAS_THREADS)
void without_DBOOST_ASIO_DISABLE_THREADS();
#else
void with_DBOOST_ASIO_DISABLE_THREADS();
#endif

CADRE_KEPT_BY_LINKER static void (*const asio_settings_of_this_file[])() = {
    &with_boost_version<BOOST_VERSION>,
#if defined(BOOST_ASIO_ENABLE_HANDLER_TRACKING)
    &with_DBOOST_ASIO_ENABLE_HANDLER_TRACKING,
#else
    &without_DBOOST_ASIO_ENABLE_HANDLER_TRACKING,
#endif
#if defined(BOOST_ASIO_HAS_EPOLL)
    &without_DBOOST_ASIO_DISABLE_EPOLL,
#else
    &with_DBOOST_ASIO_DISABLE_EPOLL,
#endif
#if defined(BOOST_ASIO_HAS_IO_URING)
    &with_DBOOST_ASIO_HAS_IO_URING,
#else
    &without_DBOOST_ASIO_HAS_IO_URING,
#endif
#if defined(BOOST_ASIO_HAS_THREADS)
    &without_DBOOST_ASIO_DISABLE_THREADS,
#else
    &with_DBOOST_ASIO_DISABLE_THREADS,
#endif
};

}  // namespace cadre::the_library_must_be_built
