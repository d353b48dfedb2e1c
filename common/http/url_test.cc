#include "common/http/url.h"

#include <string>

#include "gtest/gtest.h"

namespace tokenwatch::common {
namespace {

TEST(UrlTest, ReadsTheParts) {
  const auto url = ParseUrl("HTTPS://Example.COM:8443/a/../b c?q=x y#frag");
  ASSERT_TRUE(url.ok()) << url.status();
  EXPECT_EQ(url->scheme, "https");
  EXPECT_EQ(url->host, "example.com");
  EXPECT_EQ(url->port, 8443);
  EXPECT_EQ(url->target, "/b%20c?q=x+y");
  EXPECT_EQ(url->Origin(), "https://example.com:8443");
  EXPECT_EQ(url->text.find("frag"), std::string::npos);
}

TEST(UrlTest, DefaultPortsAndBrackets) {
  EXPECT_EQ(ParseUrl("http://a.example")->port, 80);
  EXPECT_EQ(ParseUrl("wss://a.example")->port, 443);
  EXPECT_EQ(ParseUrl("ws://a.example")->target, "/");
  const auto six = ParseUrl("http://[2606:4700::1111]/");
  ASSERT_TRUE(six.ok());
  EXPECT_EQ(six->host, "2606:4700::1111");
  EXPECT_EQ(six->Origin(), "http://[2606:4700::1111]:80");
}

TEST(UrlTest, ResolvesRedirects) {
  const Url base = *ParseUrl("https://a.example/x/y?z=1");
  EXPECT_EQ(ResolveUrl(base, "/w")->text, "https://a.example/w");
  EXPECT_EQ(ResolveUrl(base, "w")->text, "https://a.example/x/w");
  EXPECT_EQ(ResolveUrl(base, "//b.example/")->host, "b.example");
  EXPECT_EQ(ResolveUrl(base, "http://c.example/")->scheme, "http");
  EXPECT_FALSE(ResolveUrl(base, "file:///etc/passwd").ok());
}

TEST(UrlTest, RefusesWhatCannotBeRead) {
  for (const std::string& text :
       {std::string(), std::string("a.example/x"), std::string("http://"), std::string("http://a.example:99999/"),
        std::string("http://a.example:0/"), std::string("http://a\r\nb/"), std::string("http://a\0b/", 11),
        std::string("http://a b/"), std::string("mailto:x@y"), "http://a/" + std::string(kMaxUrlBytes, 'x')}) {
    EXPECT_EQ(ParseUrl(text).status().code(), absl::StatusCode::kInvalidArgument) << text.substr(0, 40);
  }
}

}  // namespace
}  // namespace tokenwatch::common
