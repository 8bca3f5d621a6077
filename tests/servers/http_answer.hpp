/// @file
/// One request of the HTTP servers and its answer.
#pragma once

#include <string>

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

#include "servers/servers.hpp"

namespace server_test {

namespace http = beast::http;

/// Reads a request for `/n` and answers with `2 n`, which `ex` computes. @return whether the connection stays open
template <class Stream>
task<bool> answer_one(cadre::executor ex, Stream& stream, beast::flat_buffer& buffer) {
    http::request<http::string_body> request;
    co_await http::async_read(stream, buffer, request, use_task);
    http::response<http::string_body> response{http::status::ok, request.version()};
    const int number = std::stoi(std::string(request.target().substr(1)));
    response.body() = std::to_string(co_await cadre::on(ex, twice, number));
    response.keep_alive(request.keep_alive());
    response.prepare_payload();
    co_await http::async_write(stream, response, use_task);
    co_return response.keep_alive();
}

}  // namespace server_test
