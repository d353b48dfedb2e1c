#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pricing/pg_store/fixture_for_test.h"
#include "pricing/pg_store/pg_store.h"
#include "pricing/pg_store/price_json.h"

namespace tokenwatch::pricing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST_F(PgStoreTest, WatchedTokens) {
  const absl::Time now = SampleTime(1);
  EXPECT_TRUE(*store_->Watch(SampleToken(1), now, Soon()));
  EXPECT_FALSE(*store_->Watch(SampleToken(1), now, Soon()));
  EXPECT_TRUE(*store_->Watch(SampleToken(2), now + absl::Seconds(1), Soon()));
  EXPECT_THAT(*store_->ListWatched(Soon()), ElementsAre(SampleToken(1), SampleToken(2)));
  EXPECT_TRUE(*store_->Unwatch(SampleToken(1), Soon()));
  EXPECT_FALSE(*store_->Unwatch(SampleToken(1), Soon()));
  EXPECT_THAT(*store_->ListWatched(Soon()), ElementsAre(SampleToken(2)));
}

TEST_F(PgStoreTest, AReferenceIsWhatItsSourceSaidFirst) {
  const chain::TokenRef sol{chain::Chain::kSolana, SampleQuote()};
  const Reference first{sol, SampleTime(1), "150.120", Word("recorded")};
  Reference other = first;
  other.source = Word("dexscreener");
  other.usd = "151";
  const Reference later{sol, SampleTime(9), "152", Word("recorded")};
  ASSERT_TRUE(store_->AddReferences({later, first, other}, Soon()).ok());
  Reference again = first;
  again.usd = "999";
  ASSERT_TRUE(store_->AddReferences({again}, Soon()).ok());
  EXPECT_THAT(*store_->LoadReferences(absl::InfinitePast(), Soon()), ElementsAre(other, first, later));
  EXPECT_THAT(*store_->LoadReferences(SampleTime(9), Soon()), ElementsAre(later));
  EXPECT_TRUE(store_->AddReferences({}, Soon()).ok());
}

PriceRequest Request(const std::string& id, uint64_t token, absl::Time created) {
  PriceRequest request;
  request.request_id = id;
  request.token = SampleToken(token);
  request.created_at = created;
  request.expires_at = created + absl::Hours(24);
  request.next_attempt_at = created;
  return request;
}

TEST_F(PgStoreTest, ARequestIsStoredOnceAndAnsweredOnce) {
  const absl::Time now = SampleTime(1);
  PriceRequest request = Request("a", 1, now);
  request.reason = "no source has been asked yet";
  const auto added = store_->AddRequest(request, Soon());
  ASSERT_TRUE(added.ok()) << added.status();
  EXPECT_EQ(added->state, RequestState::kWaiting);
  EXPECT_EQ(added->expires_at, request.expires_at);
  EXPECT_EQ(added->reason, request.reason);
  const auto repeated = store_->AddRequest(Request("a", 1, now + absl::Hours(1)), Soon());
  ASSERT_TRUE(repeated.ok()) << repeated.status();
  EXPECT_EQ(repeated->created_at, now);
  EXPECT_EQ(store_->AddRequest(Request("a", 2, now), Soon()).status().code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(store_->GetRequest("b", Soon()).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(*store_->CountWaiting(Soon()), 1);

  PriceRequest answer = request;
  answer.state = RequestState::kAnswered;
  answer.attempts = 3;
  answer.reason.clear();
  answer.next_attempt_at = absl::InfiniteFuture();
  answer.price = Price{};
  answer.price->token = request.token;
  answer.price->usd = 0.1;
  ASSERT_TRUE(store_->FinishRequests({answer}, Soon()).ok());
  PriceRequest late = answer;
  late.state = RequestState::kExpired;
  late.price.reset();
  ASSERT_TRUE(store_->FinishRequests({late}, Soon()).ok());
  const auto stored = store_->GetRequest("a", Soon());
  ASSERT_TRUE(stored.ok()) << stored.status();
  EXPECT_EQ(stored->state, RequestState::kAnswered);
  EXPECT_EQ(stored->attempts, 3);
  EXPECT_EQ(stored->next_attempt_at, absl::InfiniteFuture());
  ASSERT_TRUE(stored->price.has_value());
  EXPECT_EQ(PriceJson(*stored->price), PriceJson(*answer.price));
  EXPECT_EQ(*store_->CountWaiting(Soon()), 0);
}

std::vector<std::string> Ids(const absl::StatusOr<std::vector<PriceRequest>>& requests) {
  EXPECT_TRUE(requests.ok()) << requests.status();
  std::vector<std::string> ids;
  if (!requests.ok()) return ids;
  for (const PriceRequest& request : *requests) ids.push_back(request.request_id);
  return ids;
}

TEST_F(PgStoreTest, ADueRequestIsLeasedToOneReplica) {
  const absl::Time now = SampleTime(1);
  for (int i = 0; i < 4; ++i) {
    PriceRequest request = Request(absl::StrCat("r", i), 1, now - absl::Seconds(i));
    request.next_attempt_at = now + absl::Seconds(i - 1);
    ASSERT_TRUE(store_->AddRequest(request, Soon()).ok());
  }
  const absl::Time lease = now + absl::Seconds(10);
  EXPECT_THAT(Ids(store_->TakeDueRequests(10, now, lease, Soon())), ElementsAre("r1", "r0"));
  EXPECT_THAT(Ids(store_->TakeDueRequests(10, now, lease, Soon())), IsEmpty()) << "leased";
  EXPECT_THAT(Ids(store_->TakeDueRequests(1, now + absl::Seconds(5), lease, Soon())), ElementsAre("r2"));
  EXPECT_THAT(Ids(store_->TakeDueRequests(1, now + absl::Seconds(5), lease, Soon())), ElementsAre("r3"));
  // Who held them has died: the leases end.
  EXPECT_THAT(Ids(store_->TakeDueRequests(10, lease, lease + absl::Seconds(10), Soon())), SizeIs(4));
  // One attempt ends without a price.
  PriceRequest tried = Request("r1", 1, now);
  tried.attempts = 1;
  tried.reason = "dexscreener: not_found";
  tried.next_attempt_at = now + absl::Minutes(1);
  ASSERT_TRUE(store_->FinishRequests({tried}, Soon()).ok());
  EXPECT_THAT(Ids(store_->TakeDueRequests(10, now + absl::Seconds(15), lease + absl::Minutes(9), Soon())), IsEmpty());
  EXPECT_THAT(Ids(store_->TakeDueRequests(10, now + absl::Minutes(1), lease + absl::Minutes(9), Soon())), SizeIs(4));
  EXPECT_EQ(store_->GetRequest("r1", Soon())->reason, "dexscreener: not_found");
}

TEST_F(PgStoreTest, RequestsAreListedNewestFirstAndEndedOnesArePruned) {
  const absl::Time now = SampleTime(1);
  for (int i = 0; i < 5; ++i) {
    // Two of the same time.
    ASSERT_TRUE(store_->AddRequest(Request(absl::StrCat("r", i), 1, now + absl::Seconds(i / 2)), Soon()).ok());
  }
  std::vector<PriceRequest> ended;
  for (const char* id : {"r0", "r3"}) {
    ended.push_back(Request(id, 1, now));
    ended.back().state = RequestState::kExpired;
    ended.back().reason = std::string("nobody\0knows", 12);
  }
  ASSERT_TRUE(store_->FinishRequests(ended, Soon()).ok());
  EXPECT_EQ(store_->GetRequest("r0", Soon())->reason, "nobodyknows");

  std::vector<std::string> ids;
  std::optional<std::pair<absl::Time, std::string>> after;
  do {
    const auto page = store_->ListRequests(std::nullopt, after, 2, Soon());
    ASSERT_TRUE(page.ok()) << page.status();
    for (const PriceRequest& request : page->requests) ids.push_back(request.request_id);
    after = page->next;
  } while (after.has_value());
  EXPECT_THAT(ids, ElementsAre("r4", "r3", "r2", "r1", "r0"));
  const auto waiting = store_->ListRequests(RequestState::kWaiting, std::nullopt, 10, Soon());
  EXPECT_THAT(waiting->requests, SizeIs(3));
  EXPECT_FALSE(waiting->next.has_value());

  EXPECT_EQ(*store_->PruneRequests(now + absl::Seconds(1), 10, Soon()), 1);
  EXPECT_EQ(*store_->PruneRequests(now + absl::Hours(1), 10, Soon()), 1);
  EXPECT_EQ(*store_->CountWaiting(Soon()), 3);
}

}  // namespace
}  // namespace tokenwatch::pricing
