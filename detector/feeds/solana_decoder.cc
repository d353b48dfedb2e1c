#include "detector/feeds/solana_decoder.h"

#include <string>
#include <utility>
#include <variant>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "chain/solana/pumpfun_admin_events.h"
#include "chain/solana/pumpfun_invariants.h"
#include "chain/solana/quote_tokens.h"
#include "detector/feeds/event_time.h"

namespace tokenwatch::detector {
namespace {

constexpr uint8_t kPumpTokenDecimals = 6;
const Word kPumpVenue("pump");
const Word kPumpAmmVenue("pump-amm");
const Word kFeed(kSolanaFeed);

// Zeros stand for SOL in the program's events.
chain::Address QuoteOf(const chain::Pubkey* quote_mint) {
  static const chain::Address wrapped_sol = *chain::Address::FromCanonical(chain::kQuoteTokens[0].address);
  return quote_mint == nullptr || quote_mint->IsZero() ? wrapped_sol : quote_mint->ToAddress();
}

chain::TokenRef SolanaToken(const chain::Pubkey& mint) { return {chain::Chain::kSolana, mint.ToAddress()}; }

void Refuse(std::string reason, std::string detail, absl::string_view raw, std::vector<FeedEvent>& events) {
  events.push_back(FrameRefused{std::move(reason), std::move(detail), std::string(raw)});
}

bool RefusedForTime(int64_t timestamp_s, absl::Time received_at, absl::string_view raw,
                    std::vector<FeedEvent>& events) {
  const absl::Time time = absl::FromUnixSeconds(timestamp_s);
  if (IsPlausibleEventTime(time) && !IsAheadOfArrival(time, received_at)) return false;
  Refuse("invariant:event_time", absl::StrCat("timestamp ", timestamp_s, " is no time at which it can have happened"),
         raw, events);
  return true;
}

}  // namespace

void SolanaFrameDecoder::Decode(absl::string_view raw, absl::Time received_at, std::vector<FeedEvent>& events) {
  received_at_ = received_at;
  ++counts_.frames;
  const chain::LogsMessage& message = decoder_.Decode(raw);
  switch (message.kind) {
    case chain::LogsMessageKind::kSubscriptionAck:
      return;
    case chain::LogsMessageKind::kRpcError:
      Refuse("rpc_error", absl::StrCat(message.error_code, " ", message.error_message), raw, events);
      return;
    case chain::LogsMessageKind::kUnknown:
      Refuse("unknown_type", std::string(message.problem), raw, events);
      return;
    case chain::LogsMessageKind::kMalformed:
      Refuse("bad_json", std::string(message.problem), raw, events);
      return;
    case chain::LogsMessageKind::kTooLarge:
      Refuse("too_large", std::string(message.problem), raw, events);
      return;
    case chain::LogsMessageKind::kNotification:
      break;
  }
  if (message.has_error) {
    ++counts_.failed_transactions;
    return;
  }
  if (message.truncated) {
    Refuse("log_truncated", "the node cut the transaction's logs; events may be missing", raw, events);
  } else if (message.logs_malformed) {
    Refuse("logs_malformed", "the invoke lines contradict themselves", raw, events);
  }
  for (const chain::PumpLogEvent& event : message.events) {
    if (event.valid) {
      Add(message, event, raw, events);
    } else {
      ++counts_.events_not_valid;
    }
  }
}

void SolanaFrameDecoder::Add(const chain::LogsMessage& message, const chain::PumpLogEvent& event, absl::string_view raw,
                             std::vector<FeedEvent>& events) {
  if (const auto* trade = std::get_if<chain::TradeEvent>(&event.event)) {
    AddTrade(message, event, *trade, raw, events);
  } else if (const auto* create = std::get_if<chain::CreateEvent>(&event.event)) {
    AddLaunch(message, *create, raw, events);
  } else if (const auto* complete = std::get_if<chain::CompleteEvent>(&event.event)) {
    if (RefusedForTime(complete->timestamp_s, received_at_, raw, events)) return;
    counts_.unknown_tails += complete->unknown_tail_bytes > 0;
    events.push_back(CompletionSeen{SolanaToken(complete->mint), absl::FromUnixSeconds(complete->timestamp_s)});
  } else if (const auto* migration = std::get_if<chain::MigrationEvent>(&event.event)) {
    if (RefusedForTime(migration->timestamp_s, received_at_, raw, events)) return;
    counts_.unknown_tails += migration->unknown_tail_bytes > 0;
    events.push_back(MigrationSeen{SolanaToken(migration->mint), kPumpAmmVenue, message.signature,
                                   absl::FromUnixSeconds(migration->timestamp_s)});
  } else if (std::holds_alternative<chain::MayhemReservesEvent>(event.event)) {
    // The next trade of the curve carries the reserves it changed.
    ++counts_.admin_events;
  } else if (const auto* bad = std::get_if<chain::BadEvent>(&event.event)) {
    Refuse(absl::StrCat("bad_event:", chain::EventErrorName(bad->error)),
           absl::StrCat("event ", event.ordinal, " of the transaction"), raw, events);
  } else if (const auto* unknown = std::get_if<chain::UnknownEvent>(&event.event)) {
    if (!chain::AdminEventName(unknown->discriminator).empty()) {
      ++counts_.admin_events;
      return;
    }
    const absl::string_view bytes(reinterpret_cast<const char*>(unknown->discriminator.data()),
                                  unknown->discriminator.size());
    Refuse("unknown_event", absl::StrCat("discriminator ", absl::BytesToHexString(bytes)), raw, events);
  }
}

void SolanaFrameDecoder::AddLaunch(const chain::LogsMessage& message, const chain::CreateEvent& create,
                                   absl::string_view raw, std::vector<FeedEvent>& events) {
  LaunchSeen launch;
  launch.ref = SolanaToken(create.mint);
  if (chain::IsQuoteToken(launch.ref.address)) {
    Refuse("quote_token_launch", absl::StrCat("the create names ", launch.ref.address.text(), " as its mint"), raw,
           events);
    return;
  }
  // The first layout has no time: it ended in 2024, and a create without reserves is of no use to a price.
  if (!create.reserves.has_value()) {
    Refuse("unknown_layout", "create event without time", raw, events);
    return;
  }
  if (RefusedForTime(create.reserves->timestamp_s, received_at_, raw, events)) return;
  counts_.unknown_tails += create.unknown_tail_bytes > 0;
  launch.name = std::string(create.name);
  launch.symbol = std::string(create.symbol);
  launch.uri = std::string(create.uri);
  launch.creator = create.reserves->creator.ToAddress();
  launch.venue = kPumpVenue;
  launch.pool = create.bonding_curve.ToAddress();
  launch.quote = QuoteOf(create.modes.has_value() ? &create.modes->quote_mint : nullptr);
  launch.decimals = kPumpTokenDecimals;
  launch.supply = chain::Amount(create.reserves->token_total_supply);
  if (create.modes.has_value()) {
    launch.is_mayhem = create.modes->is_mayhem_mode;
    launch.is_cashback = create.modes->is_cashback_enabled;
  }
  launch.transaction = message.signature;
  launch.slot = message.slot;
  launch.event_time = absl::FromUnixSeconds(create.reserves->timestamp_s);
  events.push_back(std::move(launch));
}

void SolanaFrameDecoder::AddTrade(const chain::LogsMessage& message, const chain::PumpLogEvent& event,
                                  const chain::TradeEvent& seen, absl::string_view raw,
                                  std::vector<FeedEvent>& events) {
  if (const uint32_t broken = chain::CheckInvariants(seen); broken != 0) {
    for (int i = 0; i < chain::kTradeInvariantCount; ++i) {
      if ((broken & (1u << i)) == 0) continue;
      Refuse(absl::StrCat("invariant:", chain::TradeInvariantName(static_cast<chain::TradeInvariant>(i))),
             absl::StrCat("event ", event.ordinal, " of the transaction"), raw, events);
      return;
    }
  }
  if (RefusedForTime(seen.timestamp_s, received_at_, raw, events)) return;
  counts_.unknown_tails += seen.unknown_tail_bytes > 0;
  const bool other_quote = seen.buyback.has_value() && !seen.buyback->quote_mint.IsZero();

  Trade& trade = std::get<Trade>(events.emplace_back(std::in_place_type<Trade>));
  trade.chain = chain::Chain::kSolana;
  trade.transaction = message.signature;
  trade.event_index = event.ordinal;
  trade.token = seen.mint.ToAddress();
  trade.trader = seen.user.ToAddress();
  trade.side = seen.is_buy ? Side::kBuy : Side::kSell;
  trade.venue = kPumpVenue;
  trade.quote = QuoteOf(seen.buyback.has_value() ? &seen.buyback->quote_mint : nullptr);
  trade.token_amount = seen.token_amount;
  trade.quote_amount = other_quote ? seen.buyback->quote_amount : seen.sol_amount;
  trade.reserves = Reserves{
      .virtual_token = seen.virtual_token_reserves,
      .virtual_quote = other_quote ? seen.buyback->virtual_quote_reserves : seen.virtual_sol_reserves,
      .real_token = seen.real_token_reserves,
      .real_quote = other_quote ? seen.buyback->real_quote_reserves : seen.real_sol_reserves,
  };
  if (seen.fees.has_value()) trade.fees = Fees{seen.fees->fee, seen.fees->creator_fee};
  trade.slot = message.slot;
  trade.event_time = absl::FromUnixSeconds(seen.timestamp_s);
  trade.feed = kFeed;
  trade.is_mayhem = seen.cashback.has_value() && seen.cashback->mayhem_mode;
}

}  // namespace tokenwatch::detector
