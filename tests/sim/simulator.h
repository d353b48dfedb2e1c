// The market simulator: a seeded market and the frames its feeds would deliver, in the order of arrival. It knows what
// really happened, so that every total of a consumer can be checked.
//
//   Simulator simulator(options);
//   for (Frame frame; simulator.Next(&frame);) Consume(frame);
//   const Truth truth = simulator.truth();
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "tests/sim/market.h"
#include "tests/sim/options.h"
#include "tests/sim/portal_feed.h"
#include "tests/sim/random.h"
#include "tests/sim/solana_feed.h"

namespace tokenwatch::sim {

enum class Feed : uint8_t { kSolana, kPumpPortal };

// "solana", "pumpportal": the feed's name in a recording.
absl::string_view FeedText(Feed feed);

struct Frame {
  int64_t time_us = 0;  // arrival, Unix time; never decreases
  Feed feed = Feed::kSolana;
  absl::string_view raw;  // valid until the next call of Next()
};

// Launches as a feed, or all feeds together, showed them. Named: with a name of at least one visible character.
struct LaunchCounts {
  uint64_t launches = 0;
  uint64_t named = 0;
  uint64_t nameless = 0;
};

// What has happened, and what of it the frames so far show. Tokens and wallets one by one are in market().
struct Truth {
  // Of the market.
  LaunchCounts launches;
  uint64_t trades = 0;
  uint64_t buys = 0;
  uint64_t sells = 0;
  uint64_t completed = 0;
  uint64_t migrated = 0;
  uint64_t mayhem = 0;    // launches in mayhem mode
  uint64_t cashback = 0;  // launches with cashback
  uint64_t agent_trades = 0;
  uint64_t rewrites = 0;  // announced rewrites of virtual reserves

  struct Solana {
    uint64_t frames = 0;  // acknowledgement and failed ones included
    uint64_t bytes = 0;
    LaunchCounts launches;
    uint64_t trades = 0;  // in frames of successful transactions, cut frames included
    uint64_t migrations = 0;
    SolanaFeedTruth extra;
  } solana;

  struct PumpPortal {
    uint64_t frames = 0;
    uint64_t bytes = 0;
    uint64_t acks = 0;
    LaunchCounts launches;
    uint64_t quote_mint_creates = 0;  // creates that carry the USDC mint; not among `launches`
    uint64_t trades = 0;
    uint64_t migrations = 0;
    std::array<uint64_t, 4> odd_frames{};  // by OddPortalFrame
    // Frames a consumer of pump.fun should keep raw: all odd ones but LaunchLab's creates.
    uint64_t quarantined = 0;
  } pumpportal;

  LaunchCounts any_feed;
  uint64_t any_feed_migrations = 0;
};

// One thread at a time. Memory: a state per token and per wallet, and the PumpPortal frames that are still under way.
class Simulator {
 public:
  // What the frames show of a token.
  enum Sighting : uint8_t {
    kOnSolana = 1,
    kOnPumpPortal = 2,
    kNamedOnPumpPortal = 4,
    kMigrationOnSolana = 8,
    kMigrationOnPumpPortal = 16,
  };

  // Precondition: options.Validate().ok().
  explicit Simulator(const Options& options);
  Simulator(const Simulator&) = delete;
  Simulator& operator=(const Simulator&) = delete;

  // Gives the next frame; false at the end.
  bool Next(Frame* frame);

  // Walks over all tokens.
  Truth truth() const;
  const Market& market() const { return market_; }
  // Or of Sighting, for a token index of the market.
  uint8_t sightings(size_t token) const { return token < sightings_.size() ? sightings_[token] : 0; }

 private:
  struct Queued {
    int64_t time_us = 0;
    uint64_t number = 0;  // order among equal times
    Feed feed = Feed::kSolana;
    std::string raw;
  };
  struct ArrivesLater {
    bool operator()(const Queued& a, const Queued& b) const {
      return a.time_us != b.time_us ? a.time_us > b.time_us : a.number > b.number;
    }
  };
  struct Misses {
    bool solana = false;
    bool pumpportal = false;
  };

  bool Advance();
  void EmitLaunch(int64_t arrival_us);
  void EmitMigration(int64_t arrival_us);
  void EmitTrades(int64_t arrival_us);
  void EmitOddPortalFrame(int64_t arrival_us);
  void EmitSolana(int64_t arrival_us, absl::string_view signature);
  // Takes portal_raw_ on its way: before or after the solana frame of the same transaction.
  void SendPortal(int64_t arrival_us);
  void DeliverPortal(int64_t until_us);
  Queued& AddReady(int64_t time_us, Feed feed);
  Misses DrawMisses();

  const Options options_;
  Market market_;
  SolanaFeed solana_;
  Random random_;
  Transaction transaction_;
  bool started_ = false;

  std::vector<Queued> ready_;  // the first ready_size_ are in use; kept to reuse their strings
  size_t ready_size_ = 0;
  size_t ready_next_ = 0;
  int64_t last_time_us_ = 0;
  std::vector<Queued> portal_under_way_;  // a heap, the earliest first
  uint64_t portal_number_ = 0;
  std::string portal_raw_;

  std::vector<uint8_t> sightings_;
  Truth counts_;  // what is counted as it happens; the rest is summed up by truth()
};

}  // namespace tokenwatch::sim
