#include <cadre/detail/asio/asio_settings.hpp>

// The settings of the library.
namespace cadre::the_library_must_be_built {

template <int Version>
void with_boost_version() {}
template void with_boost_version<BOOST_VERSION>();

#if defined(BOOST_ASIO_ENABLE_HANDLER_TRACKING)
void with_DBOOST_ASIO_ENABLE_HANDLER_TRACKING() {}
#else
void without_DBOOST_ASIO_ENABLE_HANDLER_TRACKING() {}
#endif
#if defined(BOOST_ASIO_HAS_EPOLL)
void without_DBOOST_ASIO_DISABLE_EPOLL() {}
#else
void with_DBOOST_ASIO_DISABLE_EPOLL() {}
#endif
#if defined(BOOST_ASIO_HAS_IO_URING)
void with_DBOOST_ASIO_HAS_IO_URING() {}
#else
void without_DBOOST_ASIO_HAS_IO_URING() {}
#endif
#if defined(BOOST_ASIO_HAS_THREADS)
void without_DBOOST_ASIO_DISABLE_THREADS() {}
#else
void with_DBOOST_ASIO_DISABLE_THREADS() {}
#endif

}  // namespace cadre::the_library_must_be_built
