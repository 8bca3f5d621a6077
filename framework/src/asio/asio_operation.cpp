#include <cadre/detail/asio/asio_operation.hpp>

#include <system_error>

#include <boost/asio/experimental/channel_error.hpp>

namespace cadre::detail {

namespace {

// Codes that say why an operation of the operating system failed. Codes of other categories belong to libraries that
// have their own way to report a cancellation.
bool says_more_than_cancelled(const boost::system::error_category& category) {
    return category == boost::system::system_category() || category == boost::system::generic_category() ||
           category == boost::asio::error::get_misc_category() ||
           category == boost::asio::error::get_netdb_category() ||
           category == boost::asio::error::get_addrinfo_category();
}

// Throws `cancelled` if `error` is the way in which the operation reports its cancellation, which this library has
// requested.
void throw_if_cancelled(const boost::system::error_code& error) {
    if (error == boost::asio::error::operation_aborted || error == boost::system::errc::operation_canceled ||
        error == boost::asio::experimental::error::channel_cancelled)
        throw cancelled{};
    if (!says_more_than_cancelled(error.category()))
        throw cancelled("cancelled: stop was requested (the operation reported: " + error.message() + ")");
}

}  // namespace

void throw_asio_error(const boost::system::error_code& error, bool stopped) {
    if (stopped) throw_if_cancelled(error);
    throw boost::system::system_error(error);
}

void throw_asio_error(const std::exception_ptr& error, bool stopped) {
    if (!stopped) std::rethrow_exception(error);
    try {
        std::rethrow_exception(error);
    } catch (const boost::system::system_error& e) {
        throw_if_cancelled(e.code());
        throw;
    } catch (const std::system_error& e) {
        if (e.code() == std::errc::operation_canceled) throw cancelled{};
        throw;
    }
}

}  // namespace cadre::detail
