#include "common/http/address_guard.h"

#include <string>

#include <arpa/inet.h>
#include <netinet/in.h>

#include "gtest/gtest.h"

namespace tokenwatch::common {
namespace {

TEST(AddressGuardTest, RefusesHostileUrls) {
  const AddressGuard guard;
  for (const char* url : {
           // Schemes.
           "ftp://a.example/",
           "file:///etc/passwd",
           "gopher://a.example/",
           "javascript:alert(1)",
           "data:text/plain,x",
           "ws://a.example/",
           "a.example/x",
           "",
           "//a.example/",
           "dict://a.example:11211/",
           // Ports and user-info.
           "http://a.example:22/",
           "https://a.example:8080/",
           "http://user@a.example/",
           "http://u:p@a.example/",
           "http://a.example:80@127.0.0.1/",

           // Loopback in all its spellings.
           "http://127.0.0.1/",
           "http://127.1/",
           "http://2130706433/",
           "http://0x7f000001/",
           "http://0x7f.1/",
           "http://0177.0.0.1/",
           "http://017700000001/",
           "http://127.0.0.1./",
           "http://0/",
           "http://0.0.0.0/",
           "http://[::1]/",
           "http://[::]/",
           "http://[0:0:0:0:0:0:0:1]/",
           "http://[::ffff:127.0.0.1]/",
           "http://[::ffff:7f00:1]/",
           "http://[::127.0.0.1]/",
           "http://[64:ff9b::127.0.0.1]/",
           "http://[2002:7f00:0001::]/",
           "http://[64:ff9b:1::127.0.0.1]/",
           "http://[fe80::1%25eth0]/",
           // Private, link-local, metadata and the rest.
           "http://10.0.0.1/",
           "http://172.16.0.1/",
           "http://172.31.255.255/",
           "http://192.168.1.1/",
           "http://0300.0250.0.1/",
           "http://169.254.169.254/latest/meta-data/",
           "http://[fd00:ec2::254]/",
           "http://100.64.0.1/",
           "http://100.100.100.200/",
           "http://168.63.129.16/",
           "http://192.0.0.192/",
           "http://224.0.0.1/",
           "http://255.255.255.255/",
           "http://198.18.0.1/",
           "http://192.0.2.1/",
           "http://[fc00::1]/",
           "http://[fe80::1]/",
           "http://[ff02::1]/",
           "http://[2001:db8::1]/",
           "http://[2001::1]/",
           "http://[2002:c0a8:0101::1]/",
           "http://[64:ff9b::10.0.0.1]/",
           "http://[2606:4700::5efe:10.0.0.1]/",
           "http://[::ffff:0:10.0.0.1]/",
           // Names that mean something inside.
           "http://localhost/",
           "http://LOCALHOST/",
           "http://localhost./",
           "http://x.localhost/",
           "http://postgres/",
           "http://metadata.google.internal/",
           "http://api.default.svc/",
           "http://api.default.svc.cluster.local/",
           "http://printer.local/",
           "http://router.home.arpa./",
           "http://4294967296/",
           // Look-alikes of ASCII.
           "http://①②⑦.⓪.⓪.①/",
           "http://ⓛocalhost.com/",
           "http://127。0。0。1/",
           "http://exаmple.com/",
           "http://a%00.example/",
           "http://a_b%2f.example/",
           "http://loc\talhost/",
           "http:// 127.0.0.1/",
       }) {
    EXPECT_FALSE(guard.CheckUrl(url).ok()) << url;
  }
}

TEST(AddressGuardTest, LetsPublicUrlsThrough) {
  const AddressGuard guard;
  for (const char* url :
       {"http://a.example/", "http://a.example#@127.0.0.1:22/", "https://a.example:443/x.json?y=1",
        "https://xn--exmple-cua.example/", "http://1.1.1.1/", "https://[2606:4700:4700::1111]/",
        "http://[64:ff9b::8.8.8.8]/", "http://8.8.8.8:80/", "https://172.32.0.1/", "  https://a.example/trimmed ",
        "https://a.example./", "https://sub_domain.a.example/with space.png"}) {
    EXPECT_TRUE(guard.CheckUrl(url).ok()) << url << guard.CheckUrl(url).status();
  }
}

TEST(AddressGuardTest, GatewaysRewrite) {
  AddressGuardOptions options;
  options.gateways["evil"] = "http://127.0.0.1/";
  const AddressGuard guard(options);
  EXPECT_EQ(guard.CheckUrl("ipfs://QmAbC/1.json")->text, "https://ipfs.io/ipfs/QmAbC/1.json");
  EXPECT_EQ(guard.CheckUrl("ipfs://ipfs/QmAbC")->text, "https://ipfs.io/ipfs/QmAbC");
  EXPECT_EQ(guard.CheckUrl("AR://tx_id-1")->text, "https://arweave.net/tx_id-1");
  EXPECT_EQ(guard.CheckUrl("ipfs://@127.0.0.1/")->host, "ipfs.io");
  EXPECT_EQ(guard.CheckUrl("evil://x").status().code(), absl::StatusCode::kPermissionDenied);
  const Url base = *ParseUrl("https://a.example/");
  EXPECT_EQ(guard.CheckRedirect(base, "ipfs://Qm")->host, "ipfs.io");
  EXPECT_EQ(guard.CheckRedirect(base, "/b")->text, "https://a.example/b");
  for (const char* location : {"http://127.0.0.1/", "//localhost/", "https://a.example:22/", "file:///etc/passwd"}) {
    EXPECT_FALSE(guard.CheckRedirect(base, location).ok()) << location;
  }
}

TEST(AddressGuardTest, JudgesSocketAddresses) {
  const AddressGuard guard;
  sockaddr_in four = {};
  four.sin_family = AF_INET;
  four.sin_port = htons(443);
  inet_pton(AF_INET, "127.0.0.1", &four.sin_addr);
  EXPECT_EQ(guard.CheckAddress(reinterpret_cast<sockaddr*>(&four)).code(), absl::StatusCode::kPermissionDenied);
  inet_pton(AF_INET, "9.9.9.9", &four.sin_addr);
  EXPECT_TRUE(guard.CheckAddress(reinterpret_cast<sockaddr*>(&four)).ok());
  four.sin_port = htons(25);
  EXPECT_FALSE(guard.CheckAddress(reinterpret_cast<sockaddr*>(&four)).ok());
  sockaddr_in6 six = {};
  six.sin6_family = AF_INET6;
  six.sin6_port = htons(80);
  inet_pton(AF_INET6, "::ffff:192.168.0.1", &six.sin6_addr);
  EXPECT_FALSE(guard.CheckAddress(reinterpret_cast<sockaddr*>(&six)).ok());
  sockaddr other = {};
  other.sa_family = AF_UNIX;
  EXPECT_FALSE(guard.CheckAddress(&other).ok());
  EXPECT_FALSE(guard.CheckAddress("not an address", 80).ok());
}

TEST(AddressGuardTest, ExemptionsAreExact) {
  AddressGuardOptions options;
  options.allow_any_port = true;
  options.allowed_addresses = {"127.0.0.2"};
  const AddressGuard guard(options);
  EXPECT_TRUE(guard.CheckUrl("http://127.0.0.2:8080/").ok());
  EXPECT_FALSE(guard.CheckUrl("http://127.0.0.1:8080/").ok());
}

TEST(AddressGuardTest, OnlyHostsLeavesNoOther) {
  AddressGuardOptions options;
  options.gateways["ipfs"] = "https://gateway.example.org/ipfs/";
  options.only_hosts = {"gateway.example.org", "10.0.0.1"};
  const AddressGuard guard(options);
  EXPECT_TRUE(guard.CheckUrl("ipfs://a/b").ok());
  EXPECT_TRUE(guard.CheckUrl("https://Gateway.Example.org/x").ok());
  EXPECT_FALSE(guard.CheckUrl("https://other.example.org/x").ok());
  EXPECT_FALSE(guard.CheckUrl("https://93.184.216.34/x").ok());
  EXPECT_FALSE(guard.CheckUrl("http://10.0.0.1/").ok()) << "the other rules hold besides";
}

}  // namespace
}  // namespace tokenwatch::common
