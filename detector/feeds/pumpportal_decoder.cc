#include "detector/feeds/pumpportal_decoder.h"

#include <string>
#include <utility>
#include <variant>

#include "absl/strings/str_cat.h"
#include "chain/solana/pda.h"
#include "chain/solana/quote_tokens.h"
#include "detector/feeds/event_time.h"

namespace tokenwatch::detector {
namespace {

constexpr uint8_t kPumpTokenDecimals = 6;
const Word kFeed(kPumpPortalFeed);

// PumpPortal reports SOL-quoted curves only: its amounts are SOL by their field names.
chain::Address WrappedSol() {
  static const chain::Address wrapped_sol = *chain::Address::FromCanonical(chain::kQuoteTokens[0].address);
  return wrapped_sol;
}

void Refuse(std::string reason, std::string detail, absl::string_view raw, std::vector<FeedEvent>& events) {
  events.push_back(FrameRefused{std::move(reason), std::move(detail), std::string(raw)});
}

Trade ToTrade(const chain::PumpPortalTrade& seen, absl::Time received_at) {
  Trade trade;
  trade.chain = chain::Chain::kSolana;
  trade.transaction = seen.signature;
  trade.token = seen.mint;
  trade.trader = seen.trader;
  trade.side = seen.is_buy ? Side::kBuy : Side::kSell;
  trade.venue = Word(chain::PumpPortalPoolName(seen.pool));
  trade.quote = WrappedSol();
  trade.token_amount = seen.token_amount;
  trade.quote_amount = seen.sol_amount_lamports;
  trade.event_time = received_at;
  trade.loose_time = true;
  trade.feed = kFeed;
  return trade;
}

}  // namespace

void PumpPortalFrameDecoder::Decode(absl::string_view raw, absl::Time received_at, std::vector<FeedEvent>& events) {
  ++counts_.frames;
  chain::PumpPortalFrame frame = decoder_.Decode(raw);
  if (auto* create = std::get_if<chain::PumpPortalCreate>(&frame)) {
    AddLaunch(std::move(*create), received_at, raw, events);
  } else if (const auto* trade = std::get_if<chain::PumpPortalTrade>(&frame)) {
    events.push_back(ToTrade(*trade, received_at));
  } else if (const auto* migration = std::get_if<chain::PumpPortalMigration>(&frame)) {
    events.push_back(MigrationSeen{{chain::Chain::kSolana, migration->mint},
                                   Word(chain::PumpPortalPoolName(migration->pool)),
                                   migration->signature,
                                   received_at});
  } else if (const auto* refusal = std::get_if<chain::PumpPortalRefusal>(&frame)) {
    Refuse("refused", refusal->message, raw, events);
  } else if (const auto* unknown = std::get_if<chain::PumpPortalUnknown>(&frame)) {
    Refuse("unknown_type", unknown->reason, raw, events);
  } else if (const auto* malformed = std::get_if<chain::PumpPortalMalformed>(&frame)) {
    Refuse("bad_json", malformed->reason, raw, events);
  }
}

void PumpPortalFrameDecoder::AddLaunch(chain::PumpPortalCreate create, absl::Time received_at, absl::string_view raw,
                                       std::vector<FeedEvent>& events) {
  if (!create.name.has_value()) ++counts_.nameless_launches;
  if (chain::IsQuoteToken(create.mint)) {
    Refuse("quote_token_launch", absl::StrCat("the create names ", create.mint.text(), " as its mint"), raw, events);
    return;
  }
  for (int i = 0; i < chain::kCreateIdentityCount; ++i) {
    if ((create.broken_identities & (1u << i)) == 0) continue;
    Refuse(absl::StrCat("invariant:", chain::CreateIdentityName(static_cast<chain::CreateIdentity>(i))),
           "the create breaks an identity of its pool", raw, events);
    return;
  }
  LaunchSeen launch;
  launch.ref = {chain::Chain::kSolana, create.mint};
  launch.name = std::move(create.name).value_or("");
  launch.symbol = std::move(create.symbol).value_or("");
  launch.uri = std::move(create.uri).value_or("");
  launch.creator = create.trader;
  launch.venue = Word(chain::PumpPortalPoolName(create.pool));
  launch.quote = WrappedSol();
  launch.decimals = kPumpTokenDecimals;
  if (create.pool == chain::PumpPortalPool::kPump) {
    // The frame's own curve key is stale or foreign in one of ten frames.
    if (!chain::CurveKeyMatches(create)) ++counts_.curve_key_mismatches;
    if (const auto mint = chain::ParsePubkey(create.mint.text())) {
      launch.pool = chain::BondingCurveAddress(*mint).ToAddress();
    }
    launch.is_mayhem = create.is_mayhem_mode;
  }
  launch.transaction = create.signature;
  launch.event_time = received_at;
  events.push_back(std::move(launch));
}

}  // namespace tokenwatch::detector
