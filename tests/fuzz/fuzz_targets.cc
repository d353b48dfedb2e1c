#include "tests/fuzz/fuzz_targets.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "chain/address.h"
#include "chain/amount.h"
#include "chain/base58.h"
#include "chain/base64.h"
#include "chain/decimal.h"
#include "chain/evm/erc20.h"
#include "chain/solana/logs_notification.h"
#include "chain/solana/pumpfun_accounts.h"
#include "chain/solana/pumpfun_curve.h"
#include "chain/solana/pumpfun_invariants.h"
#include "chain/solana/pumpportal.h"
#include "chain/solana/token_accounts.h"
#include "pricing/candles/candle.h"
#include "pricing/candles/candle_chunk.h"
#include "pricing/testing/trades.h"

namespace tokenwatch::fuzz {
namespace {

void Require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "fuzz: broken promise: %s\n", what);
  std::abort();
}

absl::string_view Text(absl::Span<const uint8_t> input) {
  return absl::string_view(reinterpret_cast<const char*>(input.data()), input.size());
}

// Reads every byte of a view, so that a sanitizer sees one that dangles.
void Touch(absl::string_view text) {
  unsigned sum = 0;
  for (char c : text) sum += static_cast<unsigned char>(c);
  volatile unsigned sink = sum;
  (void)sink;
}

void TouchEvent(const chain::PumpEvent& event) {
  if (const auto* create = std::get_if<chain::CreateEvent>(&event)) {
    for (absl::string_view text : {create->name, create->symbol, create->uri}) {
      Touch(text);
      Require(text.size() <= chain::kMaxEventTextSize, "texts of events are bounded");
    }
  } else if (const auto* trade = std::get_if<chain::TradeEvent>(&event)) {
    if (trade->volume) Touch(trade->volume->instruction_name);
    if (trade->buyback) Touch(Text(trade->buyback->shareholders));
    chain::CheckInvariants(*trade);
    const chain::CurveReserves curve{trade->virtual_token_reserves, trade->virtual_sol_reserves,
                                     trade->real_token_reserves, trade->real_sol_reserves};
    const chain::CurveFees fees{trade->fees ? trade->fees->fee_basis_points : 0, 30};
    const auto buy = chain::BuyExactLamportsIn(curve, trade->sol_amount, fees);
    Require(!buy || buy->wallet_lamports <= trade->sol_amount, "a buy never spends more than it was given");
    chain::BuyExactTokens(curve, trade->token_amount, fees);
    chain::SellExactTokens(curve, trade->token_amount, fees);
    chain::MarketCapLamports(curve);
  }
}

template <size_t kBytes, size_t kMaxSize>
void Base58RoundTrips(absl::Span<const uint8_t> input) {
  std::array<uint8_t, kBytes> bytes{};
  char out[kMaxSize];
  if (chain::DecodeBase58(Text(input), bytes)) {
    Require(absl::string_view(out, chain::EncodeBase58(bytes, out)) == Text(input), "base58 texts are canonical");
  }
  if (input.size() < kBytes) return;
  std::copy_n(input.begin(), kBytes, bytes.begin());
  std::array<uint8_t, kBytes> back{};
  const absl::string_view text(out, chain::EncodeBase58(bytes, out));
  Require(chain::DecodeBase58(text, back) && back == bytes, "base58 round trip");
}

void RequireOrderDoesNotMatter(const std::vector<pricing::Candle>& candles) {
  pricing::Candle forwards = candles.front(), backwards = candles.back();
  for (size_t i = 1; i < candles.size(); ++i) {
    pricing::Merge(candles[i], forwards);
    pricing::Merge(candles[candles.size() - 1 - i], backwards);
  }
  // Merging keeps the start of what is merged into.
  backwards.start = forwards.start;
  Require(forwards == backwards, "merged candles do not depend on the order");
}

}  // namespace

void FuzzLogsNotification(absl::Span<const uint8_t> input) {
  static chain::LogsDecoder& decoder = *new chain::LogsDecoder();
  const chain::LogsMessage& message = decoder.Decode(Text(input));
  Touch(message.problem);
  Touch(message.error_message);
  const bool notification = message.kind == chain::LogsMessageKind::kNotification;
  Require(notification || message.events.empty(), "only notifications have events");
  Require(!notification || !message.signature.empty(), "notifications have a signature");
  for (const chain::PumpLogEvent& event : message.events) {
    Require(event.ordinal < message.data_line_count, "ordinals count data lines");
    Require(!event.valid || (!message.has_error && event.outcome == chain::InvocationOutcome::kSucceeded), "validity");
    Touch(Text(event.data));
    TouchEvent(event.event);
  }
}

void FuzzPumpEvents(absl::Span<const uint8_t> input) { TouchEvent(chain::DecodePumpEvent(input)); }

void FuzzPumpPortal(absl::Span<const uint8_t> input) {
  static chain::PumpPortalDecoder& decoder = *new chain::PumpPortalDecoder();
  const chain::PumpPortalFrame frame = decoder.Decode(Text(input));
  if (const auto* create = std::get_if<chain::PumpPortalCreate>(&frame)) {
    Require(!create->mint.empty() && !create->signature.empty(), "creates name their token and transaction");
    Require(!create->name || create->name->size() <= chain::kMaxPumpPortalTextBytes, "texts of frames are bounded");
  }
}

void FuzzTokenAccounts(absl::Span<const uint8_t> input) {
  const auto mint = chain::DecodeMint(input);
  Require(!mint.ok() || mint->extensions.size() <= chain::kMaxMintExtensions, "extensions are bounded");
  const auto metadata = chain::DecodeMetaplexMetadata(input);
  Require(!metadata.ok() || metadata->texts.name.find('\0') == std::string::npos, "names hold no padding");
  const auto curve = chain::DecodeBondingCurve(input);
  if (curve.ok()) chain::MarketCapLamports(curve->reserves, curve->token_total_supply);
}

void FuzzErc20(absl::Span<const uint8_t> input) {
  for (const chain::Erc20Text& text : {chain::DecodeErc20Text(input), chain::DecodeErc20TextHex(Text(input))}) {
    Require(text.value.has_value() == (text.problem == chain::Erc20Problem::kNone), "a value or a problem");
    Require(!text.value || (!text.value->empty() && text.value->size() <= chain::kMaxErc20TextBytes), "bounded value");
  }
  chain::DecodeErc20Decimals(input);
  chain::DecodeErc20DecimalsHex(Text(input));
}

void FuzzAddresses(absl::Span<const uint8_t> input) {
  const absl::string_view text = Text(input);
  Base58RoundTrips<32, chain::kMaxBase58Size32>(input);
  Base58RoundTrips<64, chain::kMaxBase58Size64>(input);
  for (absl::string_view chain_name : {"solana", "ethereum", "base", "bsc"}) {
    const auto address = chain::ParseAddress(chain_name, text);
    Require(!address.ok() || *chain::ParseAddress(chain_name, address->text()) == *address, "canonical addresses");
    Require(address.ok() || address.status().message().size() < 512, "messages are bounded");
    const auto id = chain::ParseTransactionId(chain_name, text);
    Require(!id.ok() || *chain::ParseTransactionId(chain_name, id->text()) == *id, "canonical transactions");
  }
  const auto amount = chain::Amount::Parse(text);
  Require(!amount || *chain::Amount::Parse(amount->ToString()) == *amount, "amounts round trip");
  chain::ScaleDecimal(text, 9);
  // An exactly sized heap buffer, so that a byte too many is seen.
  const size_t room = chain::MaxBase64DecodedSize(text.size());
  const auto out = std::make_unique<uint8_t[]>(room);
  const auto size = chain::DecodeBase64(text, out.get());
  Require(!size || *size <= room, "base64 stays in its buffer");
}

void FuzzCandleChunk(absl::Span<const uint8_t> input) {
  const auto chunk = pricing::CandleChunk::Decode(pricing::testing::Start(), Text(input));
  if (!chunk.ok()) {
    Require(absl::IsInvalidArgument(chunk.status()) && chunk.status().message().size() < 512, "messages are bounded");
    return;
  }
  Require(chunk->Encode() == Text(input), "packed candles have one spelling");
  Require(chunk->size() <= pricing::kChunkMinutes, "a chunk has no more minutes than time");
  Require(chunk->memory() <= 2 * input.size(), "a chunk takes as much memory as it has bytes");
  const std::vector<pricing::Candle> candles = chunk->Candles();
  Require(candles.size() == chunk->size(), "as many candles as are counted");
  // Candles that are added one by one make the same bytes; the oldest comes last, so that the chunk is packed anew.
  pricing::CandleChunk again(chunk->start());
  absl::Time next = chunk->start();
  for (const pricing::Candle& candle : candles) {
    Require(candle.start >= next, "minutes rise from the start of the chunk");
    Require(candle.start == pricing::StartOf(pricing::Interval::k1m, candle.start), "whole minutes");
    next = candle.start + absl::Minutes(1);
    if (&candle != &candles.front()) again.Add(candle);
  }
  Require(next <= chunk->start() + pricing::kChunkLength, "minutes end with the chunk");
  if (!candles.empty()) again.Add(candles.front());
  Require(again.Encode() == Text(input) && again.Candles() == candles, "candles round trip");
  Require(again.max_cursor() == chunk->max_cursor(), "the highest cursor");
  if (!candles.empty()) RequireOrderDoesNotMatter(candles);
}

}  // namespace tokenwatch::fuzz
