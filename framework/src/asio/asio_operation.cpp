#include <cadre/detail/asio/asio_operation.hpp>

namespace cadre::detail {

void throw_asio_error(const boost::system::error_code& error, bool stopped) {
    if (stopped && error == boost::asio::error::operation_aborted) throw cancelled{};
    throw boost::system::system_error(error);
}

void throw_asio_error(const std::exception_ptr& error, bool stopped) {
    if (!stopped) std::rethrow_exception(error);
    try {
        std::rethrow_exception(error);
    } catch (const boost::system::system_error& e) {
        if (e.code() == boost::asio::error::operation_aborted) throw cancelled{};
        throw;
    }
}

}  // namespace cadre::detail
