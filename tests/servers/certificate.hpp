/// @file
/// Contexts for TLS with a certificate of their own, made in memory.
#pragma once

#include <memory>
#include <stdexcept>
#include <utility>

#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <boost/asio/ssl/context.hpp>

namespace server_test {

struct openssl_free {
    void operator()(EVP_PKEY* key) const noexcept { ::EVP_PKEY_free(key); }
    void operator()(X509* certificate) const noexcept { ::X509_free(certificate); }
    void operator()(X509_EXTENSION* extension) const noexcept { ::X509_EXTENSION_free(extension); }
};

/// A server's context with a new self-signed certificate for "localhost", and a client's that trusts it alone.
struct tls_contexts {
    boost::asio::ssl::context server{boost::asio::ssl::context::tls_server};
    boost::asio::ssl::context client{boost::asio::ssl::context::tls_client};

    tls_contexts() {
        const std::unique_ptr<EVP_PKEY, openssl_free> key(::EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"));
        const std::unique_ptr<X509, openssl_free> certificate(::X509_new());
        X509* const x = certificate.get();
        check(key != nullptr && x != nullptr);
        ::X509_set_version(x, 2);
        ::ASN1_INTEGER_set(::X509_get_serialNumber(x), 1);
        ::X509_gmtime_adj(::X509_getm_notBefore(x), -3600);
        ::X509_gmtime_adj(::X509_getm_notAfter(x), 3600);
        check(::X509_set_pubkey(x, key.get()));
        X509_NAME* const name = ::X509_get_subject_name(x);
        const auto* const host = reinterpret_cast<const unsigned char*>("localhost");
        check(::X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, host, -1, -1, 0));
        check(::X509_set_issuer_name(x, name));
        const std::unique_ptr<X509_EXTENSION, openssl_free> names(
            ::X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, "DNS:localhost"));
        check(names != nullptr && ::X509_add_ext(x, names.get(), -1));
        check(::X509_sign(x, key.get(), ::EVP_sha256()));
        check(::SSL_CTX_use_certificate(server.native_handle(), x));
        check(::SSL_CTX_use_PrivateKey(server.native_handle(), key.get()));
        check(::X509_STORE_add_cert(::SSL_CTX_get_cert_store(client.native_handle()), x));
        client.set_verify_mode(boost::asio::ssl::verify_peer);
    }

private:
    static void check(int result) {
        if (result <= 0) throw std::runtime_error("OpenSSL could not make a certificate");
    }
};

}  // namespace server_test
