// An error at the start of a link is one line that says what to do.
#include <cadre/errors.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "linked_process.hpp"

namespace cadre::test {
namespace {

TEST(AmqpLinkOfABuildWithoutClient, says_what_to_install) {
    if (CADRE_HAS_RABBITMQ) {
        GTEST_SKIP() << "this build has one";
    }
    detail::amqp::amqp_options options;
    options.url = "amqp://broker";
    try {
        static_cast<void>(make_amqp_link(options));
        ADD_FAILURE() << "there is a link";
    } catch (const config_error& e) {
        EXPECT_STREQ(e.what(), "cluster: this build has no RabbitMQ client: install librabbitmq-dev and build again");
    }
}

class AmqpRefusal : public testing::Test {
protected:
    void SetUp() override {
        if (const std::string reason = private_broker::missing(); !reason.empty()) {
            GTEST_SKIP() << reason;
        }
    }
    private_broker& broker() { return private_broker::instance(); }
    detail::amqp::amqp_options options() { return link_options(name, false); }

    const std::string name = std::string("test.") + testing::UnitTest::GetInstance()->current_test_info()->name();
};

/// The line of the config_error, which never holds the password.
std::string refusal(const detail::amqp::amqp_options& options) {
    try {
        const linked started(options);
    } catch (const config_error& e) {
        const std::string what = e.what();
        EXPECT_EQ(what.find('\n'), std::string::npos) << what;
        EXPECT_EQ(what.find("hush"), std::string::npos) << what;
        return what;
    }
    return "no refusal";
}

TEST_F(AmqpRefusal, of_a_wrong_user_or_password) {
    auto wrong = options();
    for (const char* const credentials : {"cadre:hush", "nobody:hush"}) {
        wrong.url = broker().url_for(credentials);
        const std::string user = std::string(credentials).substr(0, std::string(credentials).find(':'));
        EXPECT_EQ(refusal(wrong),
                  "cluster: the broker at 127.0.0.1:" + std::to_string(broker().port()) + " rejects the user '" + user +
                      "' or its password: correct `url` or CADRE_CLUSTER_PASSWORD, or run rabbitmqctl change_password");
    }
}

TEST_F(AmqpRefusal, where_no_broker_answers) {
    auto wrong = options();
    wrong.url = "amqp://cadre:hush@127.0.0.1:9";
    EXPECT_EQ(refusal(wrong),
              "cluster: no RabbitMQ broker answers at 127.0.0.1:9 (a socket error occurred): start it, or "
              "correct `url`; `./run broker` starts one for trials");
    wrong.url = "amqp://cadre:hush@no-such-host.invalid";
    EXPECT_EQ(refusal(wrong), "cluster: the broker's host 'no-such-host.invalid' is unknown: correct `url`");
}

TEST_F(AmqpRefusal, of_an_unknown_virtual_host) {
    auto wrong = options();
    wrong.url += "/elsewhere";
    EXPECT_EQ(refusal(wrong), "cluster: the broker at 127.0.0.1:" + std::to_string(broker().port()) +
                                  " has no virtual host 'elsewhere' for the user 'cadre': correct `url`, or run "
                                  "rabbitmqctl add_vhost and set_permissions");
}

TEST_F(AmqpRefusal, of_a_user_without_rights) {
    static_cast<void>(broker().control("add_user guarded hush"));
    static_cast<void>(broker().control("set_permissions guarded '^other\\.' '^other\\.' '^other\\.'"));
    for (const bool agent : {false, true}) {
        auto wrong = link_options(name, agent);
        wrong.url = broker().url_for("guarded:hush");
        EXPECT_EQ(refusal(wrong),
                  "cluster: the broker's user has no permission for queues that begin with 'cadre.': run "
                  "rabbitmqctl set_permissions -p VHOST USER "
                  "'^cadre\\.' '^cadre\\.' '^cadre\\.'");
    }
    // That is enough.
    static_cast<void>(broker().control("set_permissions guarded '^cadre\\.' '^cadre\\.' '^cadre\\.'"));
    auto right = options();
    right.url = broker().url_for("guarded:hush");
    linked home(right);
    right.agent = true;
    linked worker(right);
    EXPECT_TRUE(worker.events().wait([](const auto& s) { return s.program_joined == 1; }));
}

TEST_F(AmqpRefusal, of_a_second_program_of_one_name) {
    const program first(name);
    const auto begun = std::chrono::steady_clock::now();
    EXPECT_EQ(refusal(options()), "cluster: another program with the name '" + name +
                                      "' uses this broker: set another `name` for this program and its agents");
    EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(6));
}

TEST_F(AmqpRefusal, over_tls_without_the_right_certificates) {
    auto secure = options();
    secure.url = broker().tls_url();
    const std::string at = "localhost:" + std::to_string(broker().port() + 3);

    secure.ca = broker().tls("client.pem");
    EXPECT_EQ(refusal(secure), "cluster: the broker at " + at +
                                   " presents a certificate that is not signed by an authority in '" + secure.ca +
                                   "': set `ca` to the file of its authority");
    secure.ca = broker().tls("ca.pem");
    EXPECT_EQ(refusal(secure).substr(0, refusal(secure).find('(')),
              "cluster: the broker at " + at + " ended the TLS connection ");
    secure.certificate = broker().tls("client.pem");
    secure.key = broker().tls("server_key.pem");
    EXPECT_EQ(refusal(secure), "cluster: the certificate '" + secure.certificate + "' and the key '" + secure.key +
                                   "' are not valid PEM files that belong together");
    secure.key = broker().tls("client_key.pem");
    EXPECT_EQ(refusal(secure), "no refusal");

    auto plain = options();
    plain.url = "amqp" + broker().tls_url().substr(5);
    EXPECT_EQ(refusal(plain).substr(0, refusal(plain).find('(')),
              "cluster: the broker at " + at + " does not speak AMQP ");
    secure.url = "amqps" + broker().url().substr(4);
    EXPECT_TRUE(refusal(secure).starts_with("cluster: the broker at 127.0.0.1:")) << refusal(secure);
}

TEST_F(AmqpRefusal, over_tls_with_them_everything_works) {
    auto secure = options();
    secure.url = broker().tls_url() + "?cacertfile=" + broker().tls("ca.pem") +
                 "&certfile=" + broker().tls("client.pem") + "&keyfile=" + broker().tls("client_key.pem");
    linked home(secure);
    secure.agent = true;
    linked worker(secure);
    ASSERT_TRUE(worker.events().wait([](const auto& s) { return s.program_joined == 1; }));
    worker->set_credit(1);
    const std::string large(std::size_t{8} << 20, 'y');
    for (const std::string& text : {std::string("small"), large}) {
        home->publish(target::work, 0, bytes_of(text));
        worker->publish(target::program, 0, bytes_of(text));
    }
    ASSERT_TRUE(home.events().wait_for_messages(2));
    EXPECT_TRUE(home.events().now().messages[1].text == large);
    ASSERT_TRUE(worker.events().wait_for_messages(1));
    worker->acknowledge(worker.events().now().messages[0].tag);
    ASSERT_TRUE(worker.events().wait_for_messages(2));
    EXPECT_TRUE(worker.events().now().messages[1].text == large);
}

}  // namespace
}  // namespace cadre::test
