// Where the broker is: URLs, environment, files, and the sentences about wrong ones.
#include "cluster/broker_address.hpp"

#include <cadre/errors.hpp>

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "cluster/amqp_options.hpp"
#include "executors/temporary_folder.hpp"

namespace cadre::detail::amqp {
namespace {

using namespace std::chrono_literals;

std::string refusal(const std::string& url) {
    try {
        static_cast<void>(parse_broker_url(url));
    } catch (const config_error& e) {
        return e.what();
    }
    return {};
}

std::string refusal(const amqp_options& options) {
    try {
        static_cast<void>(resolve_address(options));
    } catch (const config_error& e) {
        return e.what();
    }
    return {};
}

/// An environment variable for the time of a test.
class variable {
public:
    variable(const char* name, const std::string& value) : name_(name) { ::setenv(name, value.c_str(), 1); }
    ~variable() { ::unsetenv(name_); }

private:
    const char* name_;
};

amqp_options with_url(const std::string& url) {
    amqp_options options;
    options.url = url;
    return options;
}

TEST(BrokerAddress, a_url_has_all_parts_or_defaults) {
    const auto full = parse_broker_url("amqps://me:se%40cret@broker.example:1234/team%2Fa?cacertfile=/ca.pem&certfile=/"
                                       "c.pem&keyfile=/k.pem&heartbeat=3");
    EXPECT_TRUE(full.tls);
    EXPECT_EQ(full.user, "me");
    EXPECT_EQ(full.password, "se@cret");
    EXPECT_EQ(full.endpoint(), "broker.example:1234");
    EXPECT_EQ(full.vhost, "team/a");
    EXPECT_EQ(full.ca, "/ca.pem");
    EXPECT_EQ(full.certificate, "/c.pem");
    EXPECT_EQ(full.key, "/k.pem");
    EXPECT_EQ(full.heartbeat, 3s);

    const auto least = parse_broker_url("amqp://broker");
    EXPECT_FALSE(least.tls);
    EXPECT_EQ(least.endpoint(), "broker:5672");
    EXPECT_EQ(least.vhost, "/");
    EXPECT_EQ(least.user, "guest");
    EXPECT_FALSE(least.has_password);
    EXPECT_EQ(parse_broker_url("amqps://broker/").port, 5671);
    EXPECT_EQ(parse_broker_url("amqp://[::1]:99/v").endpoint(), "[::1]:99");
}

TEST(BrokerAddress, a_wrong_url_is_refused_without_showing_its_password) {
    for (const char* const url :
         {"broker", "http://broker", "amqp://", "amqp://me:hush@", "amqp://me:hush@broker:0",
          "amqp://me:hush@broker:65536", "amqp://me:hush@broker:12a", "amqp://me:hush@[::1/", "amqp://me:hush@[::1]x",
          "amqp://me:hush%4@broker", "amqp://me:hush@broker/a/b", "amqp://:hush@broker", "amqp://me:hush%00@broker",
          "amqp://me:hush@broker?heartbeat=0", "amqp://me:hush@broker?heartbeat=99", "amqp://me:hush@broker?other=1",
          "amqp://me:hush@broker:5672:5"}) {
        const std::string sentence = refusal(url);
        EXPECT_TRUE(sentence.starts_with("cluster: the broker's URL ")) << url << ": " << sentence;
        EXPECT_EQ(sentence.find("hush"), std::string::npos) << sentence;
        EXPECT_EQ(sentence.find('\n'), std::string::npos);
    }
}

TEST(BrokerAddress, the_password_comes_from_the_url_the_environment_or_a_file) {
    EXPECT_EQ(resolve_address(with_url("amqp://me:a@broker")).password, "a");
    EXPECT_EQ(resolve_address(with_url("amqp://broker")).password, "guest");
    EXPECT_EQ(refusal(with_url("amqp://me@broker")),
              "cluster: no password for user 'me' of the broker at broker:5672: set CADRE_CLUSTER_PASSWORD, or "
              "CADRE_CLUSTER_PASSWORD_FILE to the "
              "name of a file");

    const temporary_folder folder;
    const std::string file = folder.write("password", "of the file\nanother line\n").string();
    amqp_options options = with_url("amqp://me@broker");
    options.password_file = file;
    EXPECT_EQ(resolve_address(options).password, "of the file");
    const variable password("CADRE_CLUSTER_PASSWORD", "of the environment");
    EXPECT_EQ(resolve_address(options).password, "of the environment");
}

TEST(BrokerAddress, files_and_environment_complete_the_options) {
    EXPECT_EQ(refusal(amqp_options()),
              "cluster: no broker is configured: set `url` or CADRE_CLUSTER_URL to amqp://user@host/vhost");
    const variable url("CADRE_CLUSTER_URL", "amqp://me@broker");
    EXPECT_EQ(refusal([] {
                  amqp_options options;
                  options.password_file = "/nonexistent/password";
                  return options;
              }()),
              "cluster: cannot read the broker's password from the first line of the file '/nonexistent/password'");
    const variable password("CADRE_CLUSTER_PASSWORD", "x");
    amqp_options options;
    EXPECT_EQ(resolve_address(options).host, "broker");
    EXPECT_EQ(resolve_address(options).heartbeat, 1s);
    options.heartbeat = 1500ms;
    EXPECT_EQ(resolve_address(options).heartbeat, 2s);
}

TEST(BrokerAddress, settings_that_do_not_fit_together_are_refused) {
    amqp_options options = with_url("amqp://broker");
    options.ca = "/etc/hostname";
    EXPECT_EQ(refusal(options),
              "cluster: certificates are set, but the broker's URL begins with amqp://: use amqps:// for TLS");
    options.url = "amqps://broker";
    options.certificate = "/etc/hostname";
    EXPECT_EQ(refusal(options), "cluster: `certificate` and `key` must be given together");
    options.key = "/nonexistent/key";
    EXPECT_EQ(refusal(options), "cluster: cannot read the certificate's key '/nonexistent/key'");
    options = with_url("amqp://broker");
    options.name = "a/b";
    EXPECT_EQ(refusal(options), "cluster: `name` must be 1 to 100 letters, digits, '-', '_' or '.'");
}

}  // namespace
}  // namespace cadre::detail::amqp
