#include "pricing/loops/reference_loop.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "pricing/loops/loop_world_for_test.h"

namespace tokenwatch::pricing {
namespace {

const chain::TokenRef kSol{chain::Chain::kSolana, TestQuote()};

SourceReport Report(const std::string& source, double value, bool used, absl::Time heard_at) {
  SourceReport report;
  report.source = Word(source);
  report.outcome = Outcome::kFound;
  report.observation = Observation{absl::StrCat(value), value, std::nullopt, heard_at, std::nullopt, {}, {}};
  report.used = used;
  return report;
}

TEST(ReferenceFromTest, IsTheWordOfTheSourceNearestToTheAnswer) {
  OracleAnswer answer;
  EXPECT_FALSE(ReferenceFrom(kSol, answer).has_value());
  answer.usd = 150;
  answer.sources = {Report("far", 152, true, TestTime()),
                    Report("near", 150.5, true, TestTime() + absl::Nanoseconds(1500)),
                    Report("rejected", 150, false, TestTime())};
  const auto reference = ReferenceFrom(kSol, answer);
  ASSERT_TRUE(reference.has_value());
  EXPECT_EQ(reference->usd, "150.5");
  EXPECT_EQ(reference->source, Word("near"));
  EXPECT_EQ(reference->event_time, TestTime() + absl::Microseconds(1)) << "as the database keeps it";
  answer.sources[1].observation->event_time = TestTime() - absl::Minutes(1);
  EXPECT_EQ(ReferenceFrom(kSol, answer)->event_time, TestTime() - absl::Minutes(1));
  answer.sources[1].observation->usd = "1.505e2";
  EXPECT_EQ(ReferenceFrom(kSol, answer)->usd, "152") << "no plain decimal text";
}

TEST(ReferenceLoopTest, TheWriterAsksAndStoresAndTheOthersRead) {
  LoopWorld loops;
  World& world = loops.world;
  world.oracle.Set(kSol, "dexscreener", 150.25, world.clock.Now());
  bool is_writer = false;
  ReferenceLoop loop(loops.context(), [&] { return is_writer; });
  loop.Step({});
  EXPECT_TRUE(world.oracle.questions().empty());
  EXPECT_TRUE(world.references.Newest().empty());

  // Another replica writes.
  const Reference others{kSol, world.clock.Now(), "149", Word("jupiter")};
  ASSERT_TRUE(world.store.AddReferences({others}, absl::InfiniteFuture()).ok());
  loop.Step({});
  ASSERT_EQ(world.references.Newest().size(), 1u);
  EXPECT_EQ(world.references.Newest()[0], others);

  is_writer = true;
  world.clock.Advance(absl::Seconds(1));
  world.oracle.Set(kSol, "dexscreener", 150.25, world.clock.Now());
  loop.Step({});
  ASSERT_EQ(world.references.Newest().size(), 1u);
  EXPECT_EQ(std::stod(world.references.Newest()[0].usd), 150.25);
  EXPECT_EQ(world.store.LoadReferences(absl::InfinitePast(), absl::InfiniteFuture())->size(), 2u);
  EXPECT_EQ(loops.metrics.references_heard.Value(), 1);
  EXPECT_GT(loops.metrics.references_missed.Value(), 0) << "nobody knows what the other quote assets are worth";

  // What cannot be stored does not price: it would price otherwise after a restart.
  world.clock.Advance(absl::Seconds(1));
  world.oracle.Set(kSol, "dexscreener", 151, world.clock.Now());
  world.store.Fail(absl::UnavailableError("away"));
  loop.Step({});
  EXPECT_EQ(std::stod(world.references.Newest()[0].usd), 150.25);
}

TEST(ReferenceLoopTest, WithoutProvidersNobodyIsAsked) {
  LoopWorld loops;
  loops.config.providers.order.clear();
  ReferenceLoop loop(loops.context(), [] { return true; });
  loop.Step({});
  EXPECT_TRUE(loops.world.oracle.questions().empty());
}

}  // namespace
}  // namespace tokenwatch::pricing
