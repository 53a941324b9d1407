#pragma once

#include <memory>
#include <string>

struct evp_pkey_st;  // OpenSSL's EVP_PKEY
struct x509_st;      // OpenSSL's X509

namespace nodedevice::testing {

// A certificate and its key, in PEM form.
struct TestCertificate {
  std::string certificate;
  std::string key;
  std::string serial;  // hexadecimal
};

// A certificate authority that exists for one test.
class TestAuthority {
 public:
  explicit TestAuthority(const std::string& name = "test authority");
  ~TestAuthority();
  TestAuthority(const TestAuthority&) = delete;
  TestAuthority& operator=(const TestAuthority&) = delete;

  const std::string& pem() const { return pem_; }

  // For a server on localhost, valid for an hour from now.
  TestCertificate Server() const;
  // For a server that has other names than localhost, such as "DNS:elsewhere.example".
  TestCertificate ServerNamed(const std::string& names) const;
  // One that was valid until yesterday.
  TestCertificate ExpiredServer() const;
  // For a client; with `second_name`, whose subject has two common names.
  TestCertificate Client(const std::string& common_name, const std::string& second_name = "") const;

 private:
  struct Wish;
  TestCertificate Issue(const Wish& wish) const;

  std::shared_ptr<evp_pkey_st> key_;
  std::shared_ptr<x509_st> certificate_;
  std::string pem_;
};

}  // namespace nodedevice::testing
