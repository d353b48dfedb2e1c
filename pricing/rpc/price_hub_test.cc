#include "pricing/rpc/price_hub.h"

#include <atomic>
#include <random>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "common/testing/wait_for.h"
#include "pricing/rpc/price_wire.h"
#include "pricing/testing/world.h"
#include "tokenwatch/pricing/v1/pricing.pb.h"

namespace tokenwatch::pricing {
namespace {

using common::Pull;
using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;
using Source = common::PullSource<grpc::ByteBuffer>;

class PriceHubTest : public ::testing::Test {
 protected:
  PriceHubTest() { world_.SetListener(&hub_); }
  ~PriceHubTest() override { world_.SetListener(nullptr); }

  // A new price of the token, told to the hub.
  void Trade(uint64_t token) {
    ++seconds_;
    world_.Add(TestToken(token), absl::Seconds(seconds_), 1'000 + static_cast<uint64_t>(seconds_), 1'000);
    world_.Fold();
  }

  // What the source has; waits for it.
  v1::StreamPricesResponse Take(Source& source) {
    v1::StreamPricesResponse response;
    grpc::ByteBuffer buffer;
    absl::Status status;
    for (int i = 0; i < 1000; ++i) {
      const Pull pulled = source.Next(&buffer, &status);
      if (pulled == Pull::kSend) {
        EXPECT_TRUE(response.ParseFromString(ToText(buffer)));
        return response;
      }
      EXPECT_EQ(pulled, Pull::kWait) << status;
      std::atomic<bool> woken = false;
      source.Arm([&woken] { woken = true; });
      EXPECT_TRUE(common::WaitFor([&] { return woken.load(); }));
    }
    ADD_FAILURE() << "the source is woken for nothing";
    return response;
  }
  static bool IsIdle(Source& source) {
    grpc::ByteBuffer buffer;
    absl::Status status;
    return source.Next(&buffer, &status) == Pull::kWait;
  }
  static std::vector<std::string> Names(const v1::StreamPricesResponse& response) {
    std::vector<std::string> names;
    for (const v1::Price& price : response.prices()) names.push_back(price.token().address());
    return names;
  }
  static std::string Name(uint64_t token) { return std::string(TestToken(token).address.text()); }
  // Until the hub's thread has told everything.
  void Settle(uint64_t changes) {
    EXPECT_TRUE(common::WaitFor([&] { return hub_.counts().changes >= changes; }));
  }

  World world_;
  PriceHub hub_{{.interval = absl::Microseconds(100), .message_prices = 3, .list_capacity = 1'000},
                world_.hot,
                world_.view,
                world_.clock};
  int seconds_ = 0;
};

TEST_F(PriceHubTest, NamedTokensAlone) {
  auto source = hub_.Open({TestToken(1), TestToken(2), TestToken(1)}, false);
  EXPECT_TRUE(IsIdle(*source));
  Trade(3);
  Trade(1);
  const auto response = Take(*source);
  EXPECT_THAT(Names(response), ElementsAre(Name(1)));
  EXPECT_EQ(response.prices(0).quote_units(), "1002");
  EXPECT_EQ(response.conflated(), 0u);
  EXPECT_TRUE(IsIdle(*source));
}

TEST_F(PriceHubTest, BeginsWithThePresentWhereThatIsWanted) {
  Trade(1);
  Trade(2);
  auto without = hub_.Open({TestToken(1), TestToken(9)}, false);
  EXPECT_TRUE(IsIdle(*without));
  auto with = hub_.Open({TestToken(1), TestToken(2), TestToken(9)}, true);
  EXPECT_THAT(Names(Take(*with)), UnorderedElementsAre(Name(1), Name(2))) << "what has no price is left out";
  EXPECT_TRUE(IsIdle(*with));
}

TEST_F(PriceHubTest, AReaderThatComesLateGetsTheNewestOfEach) {
  auto source = hub_.Open({TestToken(1), TestToken(2)}, false);
  for (int i = 1; i <= 4; ++i) {
    Trade(1);
    Settle(static_cast<uint64_t>(i));
  }
  Trade(2);
  Settle(5);
  const auto response = Take(*source);
  EXPECT_THAT(Names(response), ElementsAre(Name(1), Name(2)));
  EXPECT_EQ(response.prices(0).quote_units(), "1004");
  EXPECT_EQ(response.conflated(), 3u);
  EXPECT_EQ(hub_.counts().conflated, 3u);
}

TEST_F(PriceHubTest, AllTokens) {
  Trade(1);
  auto source = hub_.Open({}, true);
  EXPECT_TRUE(IsIdle(*source)) << "what changed before is not news";
  uint64_t told = hub_.counts().changes;
  for (const uint64_t token : {1, 2, 3, 1, 4, 5}) {
    Trade(token);
    Settle(++told);
  }
  auto response = Take(*source);
  EXPECT_THAT(Names(response), ElementsAre(Name(2), Name(3), Name(1))) << "in the order of their last change";
  EXPECT_EQ(response.conflated(), 1u);
  response = Take(*source);
  EXPECT_THAT(Names(response), ElementsAre(Name(4), Name(5)));
  EXPECT_EQ(response.conflated(), 1u);
  EXPECT_TRUE(IsIdle(*source));
}

TEST_F(PriceHubTest, TooFarBehindIsCutOffAndNotLeftInTheDark) {
  auto source = hub_.Open({}, false);
  for (uint64_t token = 0; token < 5'000; ++token) {
    world_.Add(TestToken(token), absl::Seconds(1), 1'000, 1'000);
    if (token % 100 == 99) {
      world_.Fold();
      Settle(token + 1);
    }
  }
  grpc::ByteBuffer buffer;
  absl::Status status;
  EXPECT_EQ(source->Next(&buffer, &status), Pull::kEnd);
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
}

TEST_F(PriceHubTest, NothingIsKeptForStreamsThatHaveEnded) {
  auto source = hub_.Open({TestToken(1)}, false);
  auto all = hub_.Open({}, false);
  EXPECT_EQ(hub_.counts().streams, 2u);
  bool woken = false;
  source->Arm([&woken] { woken = true; });
  source->Disarm();
  all->Disarm();
  EXPECT_EQ(hub_.counts().streams, 0u);
  Trade(1);
  EXPECT_EQ(hub_.counts().changes, 0u) << "the fold is not even listened to";
  EXPECT_FALSE(woken);
}

// Streams that come, read at their own pace, and go, while prices change: whoever reads on ends with the last price of
// every token.
TEST_F(PriceHubTest, EveryReaderEndsWithTheLastPrices) {
  constexpr uint64_t kTokens = 20;
  std::atomic<bool> done = false;
  std::vector<std::map<std::string, std::string>> last(6);
  std::vector<std::thread> readers;
  std::atomic<int> open = 0;
  for (size_t i = 0; i < last.size(); ++i) {
    readers.emplace_back([&, i] {
      std::mt19937 random(static_cast<uint32_t>(i));
      std::vector<chain::TokenRef> tokens;
      for (uint64_t token = 0; i % 2 == 0 && token < kTokens; ++token) tokens.push_back(TestToken(token));
      auto source = hub_.Open(tokens, false);
      ++open;
      std::atomic<bool> woken = true;
      while (true) {
        const bool last_round = done;
        grpc::ByteBuffer buffer;
        absl::Status status;
        Pull pulled;
        while ((pulled = source->Next(&buffer, &status)) == Pull::kSend) {
          v1::StreamPricesResponse response;
          EXPECT_TRUE(response.ParseFromString(ToText(buffer)));
          for (const v1::Price& price : response.prices()) last[i][price.token().address()] = price.quote_units();
          if (random() % 3 == 0) std::this_thread::yield();
        }
        EXPECT_EQ(pulled, Pull::kWait) << status;
        if (last_round) break;
        woken = false;
        source->Arm([&woken] { woken = true; });
        EXPECT_TRUE(common::WaitFor([&] { return woken || done; }));
      }
      source->Disarm();
    });
  }
  EXPECT_TRUE(common::WaitFor([&] { return open == static_cast<int>(last.size()); }));
  std::map<std::string, std::string> truth;
  std::mt19937 random(99);
  for (int i = 0; i < 3'000; ++i) {
    const uint64_t token = random() % kTokens;
    const uint64_t price = 1'000 + random() % 1'000'000;
    world_.Add(TestToken(token), absl::Seconds(i), price, 1'000);
    truth[Name(token)] = std::to_string(price);
    if (i % 3 == 0) world_.Fold();
    if (i % 500 == 0) hub_.Open({TestToken(1)}, true)->Disarm();
  }
  world_.Fold();
  // The readers' last round begins when the hub has told everything: the second telling of the fence begins after the
  // first, and whatever came with it, has ended.
  auto fence = hub_.Open({TestToken(kTokens)}, false);
  for (int i = 0; i < 2; ++i) {
    Trade(kTokens);
    Take(*fence);
  }
  truth[Name(kTokens)] = absl::StrCat(1'000 + seconds_);
  done = true;
  for (std::thread& reader : readers) reader.join();
  for (size_t i = 0; i < last.size(); ++i) {
    std::map<std::string, std::string> expected = truth;
    if (i % 2 == 0) expected.erase(Name(kTokens));
    EXPECT_EQ(last[i], expected) << "reader " << i;
  }
}

}  // namespace
}  // namespace tokenwatch::pricing
