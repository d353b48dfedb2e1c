#include "common/app/http_endpoint.h"

#include <memory>
#include <string>
#include <vector>

#include "common/app/http_client_for_test.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tokenwatch::common {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

std::unique_ptr<HttpEndpoint> Start(HttpEndpointOptions options = {}) {
  options.address = "127.0.0.1";
  auto endpoint =
      HttpEndpoint::Start(options, {{"/page", [] { return HttpReply{.body = "body\n"}; }},
                                    {"/broken", [] { return HttpReply{.status = 503, .body = "reason\n"}; }}});
  EXPECT_TRUE(endpoint.ok()) << endpoint.status();
  return *std::move(endpoint);
}

TEST(HttpEndpoint, ServesItsPages) {
  const auto endpoint = Start();
  const std::string page = HttpGet(endpoint->port(), "/page");
  EXPECT_THAT(page, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(page, HasSubstr("Content-Type: text/plain; charset=utf-8\r\n"));
  EXPECT_THAT(page, EndsWith("\r\n\r\nbody\n"));
  EXPECT_THAT(HttpGet(endpoint->port(), "/page?query=1"), EndsWith("body\n"));
  EXPECT_THAT(HttpGet(endpoint->port(), "/broken"), StartsWith("HTTP/1.1 503 "));
  EXPECT_THAT(HttpGet(endpoint->port(), "/other"), StartsWith("HTTP/1.1 404 "));
}

TEST(HttpEndpoint, RefusesOtherMethodsAndAnswersHeadWithoutABody) {
  const auto endpoint = Start();
  RawConnection post(endpoint->port());
  post.Send("POST /page HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi");
  EXPECT_THAT(post.ReadToEnd(), StartsWith("HTTP/1.1 405 "));
  RawConnection head(endpoint->port());
  head.Send("HEAD /page HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  const std::string answer = head.ReadToEnd();
  EXPECT_THAT(answer, HasSubstr("Content-Length: 5\r\n"));
  EXPECT_THAT(answer, EndsWith("\r\n\r\n"));
}

TEST(HttpEndpoint, AConnectionServesSeveralRequests) {
  const auto endpoint = Start();
  RawConnection connection(endpoint->port());
  for (int i = 0; i < 3; ++i) {
    connection.Send("GET /page HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_THAT(connection.ReadUntil("body\n"), StartsWith("HTTP/1.1 200 OK"));
  }
}

TEST(HttpEndpoint, ConnectionsBeyondTheLimitAreClosedAndOthersGoOn) {
  const auto endpoint = Start({.max_connections = 2});
  std::vector<std::unique_ptr<RawConnection>> open;
  for (int i = 0; i < 2; ++i) {
    open.push_back(std::make_unique<RawConnection>(endpoint->port()));
    open.back()->Send("GET /page HTTP/1.1\r\nHost: x\r\n\r\n");
    open.back()->ReadUntil("body\n");
  }
  EXPECT_THAT(HttpGet(endpoint->port(), "/page"), IsEmpty());
  open[0]->Send("GET /page HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(open[0]->ReadUntil("body\n"), HasSubstr("200 OK"));
}

TEST(HttpEndpoint, AClientThatSendsNothingIsCutOff) {
  const auto endpoint = Start({.timeout = absl::Milliseconds(20)});
  RawConnection silent(endpoint->port());
  silent.Send("GET /pa");
  EXPECT_THAT(silent.ReadToEnd(), IsEmpty());
  EXPECT_THAT(HttpGet(endpoint->port(), "/page"), EndsWith("body\n"));
}

TEST(HttpEndpoint, ATooLargeRequestEndsTheConnection) {
  const auto endpoint = Start({.max_request_bytes = 1000});
  RawConnection large(endpoint->port());
  large.Send("GET /page HTTP/1.1\r\nHost: " + std::string(5000, 'x') + "\r\n\r\n");
  EXPECT_THAT(large.ReadToEnd(), IsEmpty());
  RawConnection body(endpoint->port());
  body.Send("GET /page HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\n" + std::string(5000, 'x'));
  EXPECT_THAT(body.ReadToEnd(), IsEmpty());
  EXPECT_THAT(HttpGet(endpoint->port(), "/page"), EndsWith("body\n"));
}

TEST(HttpEndpoint, GarbageEndsTheConnection) {
  const auto endpoint = Start();
  RawConnection garbage(endpoint->port());
  garbage.Send(std::string("\x16\x03\x01\0\0garbage\r\n\r\n", 16));
  EXPECT_THAT(garbage.ReadToEnd(), IsEmpty());
}

TEST(HttpEndpoint, ABusyPortAndABadAddressAreNamed) {
  const auto endpoint = Start();
  const auto busy = HttpEndpoint::Start({.address = "127.0.0.1", .port = endpoint->port()}, {});
  EXPECT_EQ(busy.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(busy.status().message()),
              AllOf(HasSubstr(absl::StrCat("127.0.0.1:", endpoint->port())), HasSubstr("in use")));
  EXPECT_EQ(HttpEndpoint::Start({.address = "nowhere"}, {}).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(HttpEndpoint, EndsWithConnectionsOpen) {
  auto endpoint = Start();
  RawConnection open(endpoint->port());
  open.Send("GET /page HTTP/1.1\r\nHost: x\r\n\r\nGET /pa");
  open.ReadUntil("body\n");
  endpoint.reset();
  EXPECT_THAT(open.ReadToEnd(), IsEmpty());
}

}  // namespace
}  // namespace tokenwatch::common
