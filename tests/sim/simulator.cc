#include "tests/sim/simulator.h"

#include <algorithm>
#include <utility>

namespace tokenwatch::sim {
namespace {

constexpr uint64_t kFeedStream = 4;
// From the transaction to the frame of the solana feed.
constexpr int64_t kSolanaLatencyUs = 400'000;
constexpr uint64_t kPortalFirstPpm = 400'000;
constexpr uint64_t kPortalLatePpm = 20'000;
constexpr uint64_t kPortalLeadUs = 30'000;
constexpr uint64_t kPortalLagUs = 1'500'000;
constexpr uint64_t kPortalLateLagUs = 20'000'000;
constexpr uint64_t kQuoteMintPpm = 5'000;
constexpr uint64_t kOddFramePpm = 10'000;  // of the launches

void CountLaunch(bool named, LaunchCounts* counts) {
  ++counts->launches;
  ++(named ? counts->named : counts->nameless);
}

}  // namespace

absl::string_view FeedText(Feed feed) { return feed == Feed::kSolana ? "solana" : "pumpportal"; }

Simulator::Simulator(const Options& options)
    : options_(options), market_(options), solana_(options, market_), random_(options.seed, kFeedStream) {
  sightings_.reserve(options.launches);
  const int64_t start_us = options.start_s * 1'000'000;
  if (options.solana_feed) SolanaFeed::WriteAck(&AddReady(start_us, Feed::kSolana).raw);
  for (int ack = 0; options.pumpportal_feed && ack < 2; ++ack) {
    WritePortalAck(ack, &AddReady(start_us, Feed::kPumpPortal).raw);
    ++counts_.pumpportal.acks;
  }
}

bool Simulator::Next(Frame* frame) {
  while (ready_next_ == ready_size_) {
    ready_next_ = 0;
    ready_size_ = 0;
    if (!Advance()) return false;
  }
  const Queued& queued = ready_[ready_next_++];
  *frame = {queued.time_us, queued.feed, queued.raw};
  if (queued.feed == Feed::kSolana) {
    ++counts_.solana.frames;
    counts_.solana.bytes += queued.raw.size();
  } else {
    ++counts_.pumpportal.frames;
    counts_.pumpportal.bytes += queued.raw.size();
  }
  return true;
}

// Lets one transaction happen, or at the end delivers what is under way; false when there is nothing left.
bool Simulator::Advance() {
  if (!market_.Next(transaction_)) {
    if (portal_under_way_.empty()) return false;
    DeliverPortal(INT64_MAX);
    return true;
  }
  const int64_t arrival_us = transaction_.time_us + kSolanaLatencyUs;
  DeliverPortal(arrival_us);
  if (options_.solana_feed && started_) {
    while (random_.ChancePpm(options_.failed_ppm)) {
      solana_.WriteFailed(transaction_.time_us, &AddReady(arrival_us, Feed::kSolana).raw);
    }
  }
  started_ = true;
  counts_.trades += transaction_.trades.size();
  counts_.rewrites += transaction_.rewrite.has_value() ? 1 : 0;
  for (const Trade& trade : transaction_.trades) counts_.agent_trades += trade.trader == kMayhemAgent ? 1 : 0;
  if (transaction_.migrated.has_value()) {
    EmitMigration(arrival_us);
  } else if (transaction_.launched.has_value()) {
    EmitLaunch(arrival_us);
  } else {
    EmitTrades(arrival_us);
  }
  return true;
}

Simulator::Misses Simulator::DrawMisses() {
  Misses misses;
  const uint64_t draw = random_.Below(1'000'000);
  if (!options_.solana_feed || !options_.pumpportal_feed) return misses;
  misses.pumpportal = draw < options_.pumpportal_missing_ppm;
  misses.solana = !misses.pumpportal && draw < options_.pumpportal_missing_ppm + options_.solana_missing_ppm;
  return misses;
}

void Simulator::EmitLaunch(int64_t arrival_us) {
  const uint32_t index = *transaction_.launched;
  const Token& token = market_.tokens()[index];
  const bool named = token.texts.kind != NameKind::kBlank;
  const Misses misses = DrawMisses();
  const bool with_texts = !random_.ChancePpm(options_.pumpportal_nameless_ppm);
  const bool as_quote_mint = random_.ChancePpm(kQuoteMintPpm) && options_.solana_feed && !misses.solana;
  const std::string signature = DrawSignature(random_);
  sightings_.resize(index + 1);
  uint8_t& seen = sightings_[index];

  if (options_.pumpportal_feed && !misses.pumpportal) {
    const bool bought = !transaction_.trades.empty() && !misses.solana && !as_quote_mint;
    const uint64_t initial_buy_tokens = bought ? transaction_.trades.front().fill.tokens : 0;
    WritePortalCreate(token, market_.wallets()[token.creator].key, signature, initial_buy_tokens,
                      with_texts && !as_quote_mint, as_quote_mint, &portal_raw_);
    SendPortal(arrival_us);
    if (as_quote_mint) {
      ++counts_.pumpportal.quote_mint_creates;
    } else {
      seen |= kOnPumpPortal;
      if (with_texts && named) seen |= kNamedOnPumpPortal;
      CountLaunch(with_texts && named, &counts_.pumpportal.launches);
    }
  }
  if (options_.solana_feed && !misses.solana) {
    seen |= kOnSolana;
    CountLaunch(named, &counts_.solana.launches);
    EmitSolana(arrival_us, signature);
  } else if (misses.solana && !transaction_.trades.empty()) {
    // The feed misses the launch, not the trade: that was a transaction of its own.
    transaction_.launched.reset();
    EmitTrades(arrival_us);
  }
  if (options_.pumpportal_feed && random_.ChancePpm(kOddFramePpm)) EmitOddPortalFrame(arrival_us);
}

void Simulator::EmitMigration(int64_t arrival_us) {
  const Token& token = market_.tokens()[*transaction_.migrated];
  uint8_t& seen = sightings_[*transaction_.migrated];
  const Misses misses = DrawMisses();
  const std::string signature = DrawSignature(random_);
  if (options_.pumpportal_feed && !misses.pumpportal) {
    WritePortalMigration(token, signature, &portal_raw_);
    SendPortal(arrival_us);
    ++counts_.pumpportal.migrations;
    seen |= kMigrationOnPumpPortal;
  }
  if (options_.solana_feed && !misses.solana) {
    EmitSolana(arrival_us, signature);
    ++counts_.solana.migrations;
    seen |= kMigrationOnSolana;
  }
}

void Simulator::EmitTrades(int64_t arrival_us) {
  const std::string signature = DrawSignature(random_);
  for (const Trade& trade : transaction_.trades) {
    if (!options_.pumpportal_trades || DrawMisses().pumpportal) continue;
    WritePortalTrade(market_.tokens()[trade.token], trade, market_.TraderKey(trade), signature, &portal_raw_);
    SendPortal(arrival_us);
    ++counts_.pumpportal.trades;
  }
  if (options_.solana_feed) EmitSolana(arrival_us, signature);
}

void Simulator::EmitSolana(int64_t arrival_us, absl::string_view signature) {
  counts_.solana.trades += transaction_.trades.size();
  solana_.WriteTransaction(transaction_, signature, &AddReady(arrival_us, Feed::kSolana).raw);
}

void Simulator::EmitOddPortalFrame(int64_t arrival_us) {
  const auto kind = static_cast<OddPortalFrame>(random_.Below(counts_.pumpportal.odd_frames.size()));
  WriteOddPortalFrame(kind, DrawSignature(random_), random_, &portal_raw_);
  SendPortal(arrival_us);
  ++counts_.pumpportal.odd_frames[static_cast<size_t>(kind)];
  counts_.pumpportal.quarantined += kind == OddPortalFrame::kBonkCreate ? 0 : 1;
}

void Simulator::SendPortal(int64_t arrival_us) {
  const uint64_t draw = random_.Below(1'000'000);
  if (draw < kPortalFirstPpm) {
    const int64_t early_us = arrival_us - static_cast<int64_t>(random_.Below(kPortalLeadUs));
    AddReady(std::max(early_us, last_time_us_), Feed::kPumpPortal).raw.swap(portal_raw_);
    return;
  }
  const uint64_t most_us = draw < kPortalFirstPpm + kPortalLatePpm ? kPortalLateLagUs : kPortalLagUs;
  Queued queued;
  queued.time_us = arrival_us + 1 + static_cast<int64_t>(random_.Below(most_us));
  queued.number = portal_number_++;
  queued.feed = Feed::kPumpPortal;
  queued.raw.swap(portal_raw_);
  portal_under_way_.push_back(std::move(queued));
  std::push_heap(portal_under_way_.begin(), portal_under_way_.end(), ArrivesLater());
}

void Simulator::DeliverPortal(int64_t until_us) {
  while (!portal_under_way_.empty() && portal_under_way_.front().time_us <= until_us) {
    std::pop_heap(portal_under_way_.begin(), portal_under_way_.end(), ArrivesLater());
    Queued& arrived = portal_under_way_.back();
    AddReady(arrived.time_us, Feed::kPumpPortal).raw.swap(arrived.raw);
    portal_under_way_.pop_back();
  }
}

Simulator::Queued& Simulator::AddReady(int64_t time_us, Feed feed) {
  if (ready_size_ == ready_.size()) ready_.emplace_back();
  Queued& queued = ready_[ready_size_++];
  queued.time_us = time_us;
  queued.feed = feed;
  last_time_us_ = time_us;
  return queued;
}

Truth Simulator::truth() const {
  Truth truth = counts_;
  truth.solana.extra = solana_.truth();
  const std::vector<Token>& tokens = market_.tokens();
  for (size_t i = 0; i < tokens.size(); ++i) {
    const Token& token = tokens[i];
    const bool named = token.texts.kind != NameKind::kBlank;
    const uint8_t seen = sightings(i);
    CountLaunch(named, &truth.launches);
    truth.buys += token.buys;
    truth.sells += token.sells;
    truth.completed += token.complete ? 1 : 0;
    truth.migrated += token.migrated ? 1 : 0;
    truth.mayhem += token.is_mayhem ? 1 : 0;
    truth.cashback += token.is_cashback ? 1 : 0;
    if (seen & (kOnSolana | kOnPumpPortal)) {
      CountLaunch(named && (seen & (kOnSolana | kNamedOnPumpPortal)), &truth.any_feed);
    }
    truth.any_feed_migrations += (seen & (kMigrationOnSolana | kMigrationOnPumpPortal)) ? 1 : 0;
  }
  return truth;
}

}  // namespace tokenwatch::sim
