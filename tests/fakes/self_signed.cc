#include "tests/fakes/self_signed.h"

#include <memory>
#include <stdexcept>

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <unistd.h>

namespace tokenwatch::fakes {
namespace {

struct Deleter {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(X509_EXTENSION* extension) const { X509_EXTENSION_free(extension); }
};

void Require(bool good, const char* what) {
  if (!good) throw std::runtime_error(what);
}

std::string Text(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return std::string(data, static_cast<std::size_t>(size));
}

void AddExtension(X509* certificate, int nid, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  const std::unique_ptr<X509_EXTENSION, Deleter> extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value));
  Require(extension != nullptr && X509_add_ext(certificate, extension.get(), -1) == 1, "certificate extension");
}

}  // namespace

SelfSigned MakeSelfSigned() {
  const std::unique_ptr<EVP_PKEY, Deleter> key(EVP_EC_gen("P-256"));
  const std::unique_ptr<X509, Deleter> certificate(X509_new());
  Require(key != nullptr && certificate != nullptr, "key or certificate");
  X509_set_version(certificate.get(), X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 86400);
  X509_set_pubkey(certificate.get(), key.get());
  X509_NAME* name = X509_get_subject_name(certificate.get());
  const auto* common_name = reinterpret_cast<const unsigned char*>("localhost");
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, common_name, -1, -1, 0);
  X509_set_issuer_name(certificate.get(), name);
  AddExtension(certificate.get(), NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1,IP:::1");
  AddExtension(certificate.get(), NID_basic_constraints, "critical,CA:TRUE");
  Require(X509_sign(certificate.get(), key.get(), EVP_sha256()) != 0, "signature");

  const std::unique_ptr<BIO, Deleter> certificate_pem(BIO_new(BIO_s_mem()));
  const std::unique_ptr<BIO, Deleter> key_pem(BIO_new(BIO_s_mem()));
  Require(PEM_write_bio_X509(certificate_pem.get(), certificate.get()) == 1, "PEM of the certificate");
  Require(PEM_write_bio_PrivateKey(key_pem.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1,
          "PEM of the key");
  return {.certificate = Text(certificate_pem.get()), .private_key = Text(key_pem.get())};
}

PemFile::PemFile(const std::string& pem) {
  const char* folder = getenv("TMPDIR");
  path_ = std::string(folder != nullptr ? folder : "/tmp") + "/tokenwatch-pem-XXXXXX";
  const int file = mkstemp(path_.data());
  Require(file >= 0, "temporary file");
  const bool written = write(file, pem.data(), pem.size()) == static_cast<ssize_t>(pem.size());
  close(file);
  Require(written, "temporary file");
}

PemFile::~PemFile() { unlink(path_.c_str()); }

}  // namespace tokenwatch::fakes
