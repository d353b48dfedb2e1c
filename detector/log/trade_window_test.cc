#include "detector/log/trade_window.h"

#include <algorithm>
#include <random>
#include <set>
#include <tuple>
#include <unordered_map>
#include <vector>

#include <gtest/gtest.h>

#include "detector/samples_for_test.h"

namespace tokenwatch::detector {
namespace {

TradeIdentity Id(uint64_t transaction, uint32_t index, int64_t seconds = 0) {
  return IdentityOf(SampleTrade(transaction, index, 1, seconds));
}
TradeIdentity Loose(uint64_t transaction, uint32_t index, int64_t seconds = 0) {
  return IdentityOf(WithoutIndex(SampleTrade(transaction, index, 1, seconds)));
}

TEST(TradeWindowTest, AnIndexIsKnownByTransactionAndIndex) {
  TradeWindow window(10);
  EXPECT_TRUE(window.Admit(Id(1, 0)));
  EXPECT_FALSE(window.Admit(Id(1, 0)));
  EXPECT_TRUE(window.Admit(Id(1, 1)));
  EXPECT_TRUE(window.Admit(Id(2, 0)));
  TradeIdentity same_content = Id(1, 0);
  same_content.event_index = 5;
  EXPECT_TRUE(window.Admit(same_content)) << "the same amount twice in one transaction is two trades";
  TradeIdentity other_content = Id(1, 0);
  other_content.token_amount = 5;
  EXPECT_FALSE(window.Admit(other_content)) << "the index decides where there is one";
  EXPECT_EQ(window.size(), 4u);
}

TEST(TradeWindowTest, ATradeWithoutIndexIsKnownByItsContent) {
  TradeWindow window(10);
  EXPECT_TRUE(window.Admit(Loose(1, 0)));
  EXPECT_FALSE(window.Admit(Loose(1, 0)));
  EXPECT_TRUE(window.Admit(Loose(2, 0))) << "another transaction";
  TradeIdentity sold = Loose(1, 0);
  sold.side = Side::kSell;
  EXPECT_TRUE(window.Admit(sold));
  TradeIdentity amount = Loose(1, 0);
  amount.token_amount = 17;
  EXPECT_TRUE(window.Admit(amount));
  TradeIdentity token = Loose(1, 0);
  token.token = SampleAddress(44);
  EXPECT_TRUE(window.Admit(token));
}

TEST(TradeWindowTest, TwinsOfBothKindsAreOneTradeInEitherOrder) {
  TradeWindow index_first(10);
  EXPECT_TRUE(index_first.Admit(Id(1, 0)));
  EXPECT_FALSE(index_first.Admit(Loose(1, 0)));

  TradeWindow loose_first(10);
  EXPECT_TRUE(loose_first.Admit(Loose(1, 0)));
  EXPECT_FALSE(loose_first.Admit(Id(1, 0))) << "it is taken for the one without index";
  EXPECT_FALSE(loose_first.Admit(Id(1, 0))) << "from now on it is known by its own index";
  TradeIdentity second = Id(1, 0);
  second.event_index = 1;
  EXPECT_TRUE(loose_first.Admit(second)) << "only one trade can claim the one without index";
  EXPECT_FALSE(loose_first.Admit(second));
  EXPECT_FALSE(loose_first.Admit(Loose(1, 0)));
}

TEST(TradeWindowTest, TrimForgetsTheOldestAndKeepsItsTimeAsHorizon) {
  TradeWindow window(2);
  for (int64_t i = 0; i < 5; ++i) EXPECT_TRUE(window.Admit(Id(static_cast<uint64_t>(i), 0, 100 * i)));
  EXPECT_EQ(window.size(), 5u) << "nothing is forgotten in the middle of a commit";
  EXPECT_FALSE(window.Admit(Id(0, 0, 0)));
  window.Trim();
  EXPECT_EQ(window.size(), 2u);
  // What has gone had times up to 200.
  EXPECT_FALSE(window.Knows(Id(2, 0, 200)));
  EXPECT_TRUE(window.MustAskLog(Id(2, 0, 200)));
  EXPECT_TRUE(window.MustAskLog(Id(77, 0, 200)));
  EXPECT_FALSE(window.MustAskLog(Id(77, 0, 201))) << "no trade this new has been forgotten";
  EXPECT_FALSE(window.MustAskLog(Id(3, 0, 300))) << "known: there is nothing to ask";
}

TEST(TradeWindowTest, ClocksOfFeedsNeedSlack) {
  const int64_t slack = absl::ToInt64Seconds(TradeWindow::kClockSlack);
  TradeWindow window(1);
  window.Admit(Id(1, 0, 0));
  window.Admit(Id(2, 0, 10'000));
  window.Trim();
  TradeIdentity loose = Loose(9, 0, 0);
  loose.event_time = SampleTime(slack);
  EXPECT_TRUE(window.MustAskLog(loose));
  loose.event_time = SampleTime(slack + 1);
  EXPECT_FALSE(window.MustAskLog(loose));

  TradeWindow loose_window(1);
  TradeIdentity forgotten = Loose(1, 0);
  forgotten.event_time = SampleTime(0);
  loose_window.Admit(forgotten);
  loose_window.Admit(Id(2, 0, 10'000));
  loose_window.Trim();
  EXPECT_TRUE(loose_window.MustAskLog(Id(9, 0, slack)));
  EXPECT_FALSE(loose_window.MustAskLog(Id(9, 0, slack + 1)));
}

TEST(TradeWindowTest, AfterARestartTheHorizonIsWhatTheLogSays) {
  TradeWindow window(4);
  EXPECT_FALSE(window.MustAskLog(Id(1, 0, 0))) << "an empty log has forgotten nothing";
  window.SetHorizon(SampleTime(500), absl::InfinitePast());
  window.Remember(Id(8, 0, 500));
  EXPECT_TRUE(window.MustAskLog(Id(1, 0, 500)));
  EXPECT_FALSE(window.MustAskLog(Id(1, 0, 501)));
  EXPECT_FALSE(window.MustAskLog(Id(8, 0, 500)));
  window.SetHorizon(SampleTime(100), absl::InfinitePast());
  EXPECT_TRUE(window.MustAskLog(Id(1, 0, 500))) << "a horizon never comes nearer";
  window.Clear();
  EXPECT_FALSE(window.MustAskLog(Id(1, 0, 0)));
  EXPECT_TRUE(window.Admit(Id(8, 0, 500)));
}

TEST(TradeWindowTest, ATradeWithoutIndexComesBackFromTheLogNextToATwinWithIndex) {
  // Logged: one without index (which trade 0 had claimed), then trade 1 of the same content.
  TradeIdentity first = Id(1, 0);
  TradeIdentity second = Id(1, 0);
  second.event_index = 1;
  TradeWindow window(10);
  window.SetHorizon(SampleTime(1000), SampleTime(1000));
  window.Remember(second);
  ASSERT_TRUE(window.MustAskLog(first));
  window.RememberLogged(Loose(1, 0));
  window.RememberLogged(second);
  EXPECT_FALSE(window.Admit(first));
  EXPECT_FALSE(window.Admit(second));
  EXPECT_EQ(window.size(), 3u);
}

TEST(TradeWindowTest, WhatTheLogTellsOfTradesInTheWindowChangesNothing) {
  TradeWindow window(10);
  window.Admit(Loose(1, 0));
  window.Admit(Id(1, 0));
  const size_t before = window.size();
  window.RememberLogged(Loose(1, 0));
  window.RememberLogged(Id(1, 0));
  EXPECT_EQ(window.size(), before);
  TradeIdentity second = Id(1, 0);
  second.event_index = 1;
  EXPECT_TRUE(window.Admit(second)) << "the one without index has been claimed and stays so";
}

// Three feeds tell of the same trades, each late in its own way and in its own order; the window is far smaller than
// the lateness, so the log is asked all the time.
class PropertyTest : public ::testing::Test {
 protected:
  struct True {
    uint32_t transaction;
    uint32_t index;
  };
  struct Told {
    uint32_t trade;
    uint8_t feed;
  };

  static constexpr uint32_t kTrades = 360'000;

  std::vector<True> MakeTrades(std::mt19937& random) {
    std::vector<True> trades;
    trades.reserve(kTrades + 4);
    for (uint32_t transaction = 0; trades.size() < kTrades; ++transaction) {
      for (uint32_t index = 0; index <= random() % 3; ++index) trades.push_back({transaction, index});
    }
    return trades;
  }

  // The feed's order: near the true one, and a tenth of what it tells comes much later, or twice.
  std::vector<Told> Shuffled(uint8_t feed, double share, std::mt19937& random) {
    std::vector<std::pair<uint64_t, Told>> order;
    for (uint32_t trade = 0; trade < kTrades; ++trade) {
      if (random() % 1000 >= share * 1000) continue;
      order.emplace_back(trade + random() % 50 + (random() % 10 == 0 ? random() % 3000 : 0), Told{trade, feed});
      if (random() % 20 == 0) order.emplace_back(trade + random() % 5000, Told{trade, feed});
    }
    std::stable_sort(order.begin(), order.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    std::vector<Told> told;
    told.reserve(order.size());
    for (const auto& [at, each] : order) told.push_back(each);
    return told;
  }

  TradeIdentity IdentityOfTold(const True& trade, uint8_t feed) {
    TradeIdentity identity;
    identity.transaction = ids_[trade.transaction];
    identity.token = token_;
    identity.token_amount = trade.index + 1;
    // Four transactions a second.
    identity.event_time = SampleTime(trade.transaction / 4);
    if (feed == 2) {
      identity.loose_time = true;
      identity.event_time += absl::Seconds(trade.transaction % 5);
    } else {
      identity.event_index = trade.index;
    }
    return identity;
  }

  std::vector<chain::TransactionId> ids_;
  const chain::Address token_ = SampleAddress(1);
};

TEST_F(PropertyTest, NothingIsLostAndNothingIsDouble) {
  std::mt19937 random(11);
  const std::vector<True> trades = MakeTrades(random);
  for (uint32_t i = 0; i <= trades.back().transaction; ++i) {
    // Canonical is not asked for, only different: base58 of 64 bytes costs more than all else here.
    ids_.push_back(*chain::TransactionId::FromCanonical(absl::StrCat("tx", i)));
  }
  std::vector<std::vector<Told>> feeds{Shuffled(0, 1.0, random), Shuffled(1, 0.95, random), Shuffled(2, 0.9, random)};

  TradeWindow window(500);
  // The model: which true trades are in the log, and the log itself by transaction.
  std::set<uint32_t> logged;
  std::unordered_map<uint32_t, std::vector<TradeIdentity>> log;
  std::vector<size_t> next(feeds.size(), 0);
  size_t told_in_all = 0;
  size_t asked = 0;
  uint64_t doubles = 0;
  while (true) {
    // Feeds take turns in bursts, as batches come; after each the window is trimmed as between commits.
    const size_t feed = random() % feeds.size();
    for (size_t burst = random() % 60; burst > 0 && next[feed] < feeds[feed].size(); --burst) {
      const Told& told = feeds[feed][next[feed]++];
      ++told_in_all;
      const True& trade = trades[told.trade];
      const TradeIdentity identity = IdentityOfTold(trade, told.feed);
      if (window.MustAskLog(identity)) {
        ++asked;
        for (const TradeIdentity& found : log[trade.transaction]) window.RememberLogged(found);
      }
      if (window.Admit(identity)) {
        doubles += logged.insert(told.trade).second ? 0 : 1;
        log[trade.transaction].push_back(identity);
      }
    }
    window.Trim();
    ASSERT_LE(window.size(), window.capacity());
    if (std::equal(next.begin(), next.end(), feeds.begin(),
                   [](size_t at, const std::vector<Told>& each) { return at == each.size(); })) {
      break;
    }
  }
  EXPECT_GE(told_in_all, 1'000'000u);
  EXPECT_GT(asked, 10'000u) << "the streams must be hard enough to need the log";
  EXPECT_EQ(doubles, 0u);
  EXPECT_EQ(logged.size(), kTrades);
}

}  // namespace
}  // namespace tokenwatch::detector
