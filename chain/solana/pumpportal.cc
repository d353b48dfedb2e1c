#include "chain/solana/pumpportal.h"

#include <cmath>
#include <cstring>

#include <simdjson.h>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "chain/decimal.h"
#include "chain/solana/pda.h"
#include "chain/solana/pumpfun_curve.h"

namespace tokenwatch::chain {
namespace {

namespace od = simdjson::ondemand;

constexpr int kTokenDecimals = 6;
constexpr int kSolDecimals = 9;

absl::string_view View(std::string_view text) { return absl::string_view(text.data(), text.size()); }

// Every field of any known frame, as found. Texts are views into the decoder's buffers; numbers are their JSON text,
// empty when absent or null.
struct Fields {
  std::optional<absl::string_view> message, errors, tx_type, pool, signature, mint, trader, curve_key, name, symbol,
      uri;
  absl::string_view initial_buy, token_amount, sol_amount, new_token_balance, virtual_tokens, virtual_sol, pool_tokens,
      pool_sol, market_cap;
  bool is_mayhem = false;
};

// A frame is refused with the first of these that applies.
struct Damage {
  std::string reason;
  bool any() const { return !reason.empty(); }
  void Report(absl::string_view field, absl::string_view what) {
    if (!any()) reason = absl::StrCat(field, " ", what);
  }
};

std::optional<PumpPortalPool> ParsePool(absl::string_view name) {
  for (PumpPortalPool pool : {PumpPortalPool::kPump, PumpPortalPool::kPumpAmm, PumpPortalPool::kBonk}) {
    if (name == PumpPortalPoolName(pool)) return pool;
  }
  return std::nullopt;
}

Address RequireAddress(absl::string_view field, const std::optional<absl::string_view>& text, Damage& damage) {
  const std::optional<Address> address = text ? Address::ParseSolana(*text) : std::nullopt;
  if (!address) damage.Report(field, "is missing or not base58 of 32 bytes");
  return address.value_or(Address());
}

std::optional<Address> OptionalAddress(absl::string_view field, const std::optional<absl::string_view>& text,
                                       Damage& damage) {
  if (!text) return std::nullopt;
  return RequireAddress(field, text, damage);
}

TransactionId RequireSignature(const Fields& fields, Damage& damage) {
  const std::optional<TransactionId> id =
      fields.signature ? TransactionId::ParseSolana(*fields.signature) : std::nullopt;
  if (!id) damage.Report("signature", "is missing or not base58 of 64 bytes");
  return id.value_or(TransactionId());
}

std::optional<uint64_t> OptionalUnits(absl::string_view field, absl::string_view number, int decimals, Damage& damage) {
  if (number.empty()) return std::nullopt;
  const std::optional<uint64_t> units = ScaleDecimal(number, decimals);
  if (!units) damage.Report(field, "is not a number of at most 64 bits of base units");
  return units;
}

uint64_t RequireUnits(absl::string_view field, absl::string_view number, int decimals, Damage& damage) {
  if (number.empty()) damage.Report(field, "is missing");
  return OptionalUnits(field, number, decimals, damage).value_or(0);
}

std::optional<double> OptionalDouble(absl::string_view field, absl::string_view number, Damage& damage) {
  if (number.empty()) return std::nullopt;
  double value = 0;
  if (!absl::SimpleAtod(number, &value) || !std::isfinite(value)) {
    damage.Report(field, "is not a number");
    return std::nullopt;
  }
  return value;
}

std::optional<std::string> OptionalText(const std::optional<absl::string_view>& text) {
  if (!text) return std::nullopt;
  return std::string(text->data(), text->size());
}

// Base units may differ by one: the feed computes reserves in doubles of 15 to 17 digits, whose error at 10^15 units is
// below a tenth of a unit, and rounds once more where a value is the difference of two others.
constexpr uint64_t kUnitTolerance = 1;
// The two identities in doubles held to 2.2e-16 in the recorded frames; this leaves room for other orders of operations
// and none for a wrong digit.
constexpr double kRelativeTolerance = 1e-12;
constexpr double kVirtualProduct = 32'190'000'000.0;

bool NearUnits(uint64_t a, uint64_t b) { return (a > b ? a - b : b - a) <= kUnitTolerance; }
bool NearRelative(double a, double b) { return std::fabs(a - b) <= kRelativeTolerance * std::fabs(b); }

uint32_t BrokenIdentities(const PumpPortalCreate& create, const Fields& fields) {
  uint32_t broken = 0;
  const auto require = [&broken](bool holds, CreateIdentity identity) {
    if (!holds) broken |= uint32_t{1} << static_cast<int>(identity);
  };
  require(create.virtual_sol_reserves_lamports && *create.virtual_sol_reserves_lamports >= kInitialVirtualLamports &&
              NearUnits(*create.virtual_sol_reserves_lamports - kInitialVirtualLamports, create.sol_amount_lamports),
          CreateIdentity::kVirtualSol);
  require(create.virtual_token_reserves && *create.virtual_token_reserves <= kInitialVirtualTokens &&
              NearUnits(kInitialVirtualTokens - *create.virtual_token_reserves, create.initial_buy_tokens),
          CreateIdentity::kVirtualTokens);
  double sol = 0;
  double tokens = 0;
  const bool numbers = absl::SimpleAtod(fields.virtual_sol, &sol) && absl::SimpleAtod(fields.virtual_tokens, &tokens);
  require(numbers && create.market_cap_sol && tokens > 0 && NearRelative(*create.market_cap_sol, sol / tokens * 1e9),
          CreateIdentity::kMarketCap);
  require(numbers && NearRelative(sol * tokens, kVirtualProduct), CreateIdentity::kProduct);
  return broken;
}

PumpPortalFrame ToCreate(const Fields& fields, PumpPortalPool pool) {
  if (pool == PumpPortalPool::kPumpAmm) return PumpPortalUnknown{"a create of pool pump-amm"};
  Damage damage;
  PumpPortalCreate create;
  create.pool = pool;
  create.signature = RequireSignature(fields, damage);
  create.mint = RequireAddress("mint", fields.mint, damage);
  create.trader = RequireAddress("traderPublicKey", fields.trader, damage);
  create.name = OptionalText(fields.name);
  create.symbol = OptionalText(fields.symbol);
  create.uri = OptionalText(fields.uri);
  create.is_mayhem_mode = fields.is_mayhem;
  create.initial_buy_tokens = RequireUnits("initialBuy", fields.initial_buy, kTokenDecimals, damage);
  create.sol_amount_lamports = RequireUnits("solAmount", fields.sol_amount, kSolDecimals, damage);
  create.bonding_curve_key = OptionalAddress("bondingCurveKey", fields.curve_key, damage);
  create.virtual_token_reserves = OptionalUnits("vTokensInBondingCurve", fields.virtual_tokens, kTokenDecimals, damage);
  create.virtual_sol_reserves_lamports = OptionalUnits("vSolInBondingCurve", fields.virtual_sol, kSolDecimals, damage);
  create.pool_tokens = OptionalUnits("tokensInPool", fields.pool_tokens, kTokenDecimals, damage);
  create.pool_sol_lamports = OptionalUnits("solInPool", fields.pool_sol, kSolDecimals, damage);
  create.market_cap_sol = OptionalDouble("marketCapSol", fields.market_cap, damage);
  if (damage.any()) return PumpPortalMalformed{std::move(damage.reason)};
  if (pool == PumpPortalPool::kPump) create.broken_identities = BrokenIdentities(create, fields);
  return create;
}

PumpPortalFrame ToTrade(const Fields& fields, PumpPortalPool pool) {
  Damage damage;
  PumpPortalTrade trade;
  trade.pool = pool;
  trade.signature = RequireSignature(fields, damage);
  trade.mint = RequireAddress("mint", fields.mint, damage);
  trade.trader = RequireAddress("traderPublicKey", fields.trader, damage);
  trade.is_buy = *fields.tx_type == "buy";
  trade.token_amount = RequireUnits("tokenAmount", fields.token_amount, kTokenDecimals, damage);
  trade.sol_amount_lamports = RequireUnits("solAmount", fields.sol_amount, kSolDecimals, damage);
  trade.new_token_balance = OptionalUnits("newTokenBalance", fields.new_token_balance, kTokenDecimals, damage);
  trade.bonding_curve_key = OptionalAddress("bondingCurveKey", fields.curve_key, damage);
  trade.virtual_token_reserves = OptionalUnits("vTokensInBondingCurve", fields.virtual_tokens, kTokenDecimals, damage);
  trade.virtual_sol_reserves_lamports = OptionalUnits("vSolInBondingCurve", fields.virtual_sol, kSolDecimals, damage);
  trade.market_cap_sol = OptionalDouble("marketCapSol", fields.market_cap, damage);
  if (damage.any()) return PumpPortalMalformed{std::move(damage.reason)};
  return trade;
}

PumpPortalFrame ToMigration(const Fields& fields, PumpPortalPool pool) {
  Damage damage;
  PumpPortalMigration migration;
  migration.pool = pool;
  migration.signature = RequireSignature(fields, damage);
  migration.mint = RequireAddress("mint", fields.mint, damage);
  if (damage.any()) return PumpPortalMalformed{std::move(damage.reason)};
  return migration;
}

// "Successfully subscribed to ...", "Subscribed to ...", and the same of unsubscribing. Everything else the feed says
// in words is taken for a refusal.
bool IsAcknowledgement(absl::string_view message) {
  for (absl::string_view start :
       {"Successfully subscribed", "Subscribed", "Successfully unsubscribed", "Unsubscribed"}) {
    if (absl::StartsWith(message, start)) return true;
  }
  return false;
}

PumpPortalFrame Classify(const Fields& fields) {
  if (!fields.tx_type) {
    if (fields.errors) return PumpPortalRefusal{*OptionalText(fields.errors)};
    if (!fields.message) return PumpPortalUnknown{"neither txType nor message"};
    if (IsAcknowledgement(*fields.message)) return PumpPortalAck{*OptionalText(fields.message)};
    return PumpPortalRefusal{*OptionalText(fields.message)};
  }
  const absl::string_view type = *fields.tx_type;
  const bool is_create = type == "create";
  const bool is_trade = type == "buy" || type == "sell";
  if (!is_create && !is_trade && type != "migrate") return PumpPortalUnknown{"txType is not known"};
  if (!fields.pool) return PumpPortalMalformed{"pool is missing"};
  const std::optional<PumpPortalPool> pool = ParsePool(*fields.pool);
  if (!pool) return PumpPortalUnknown{"pool is not known"};
  if (is_create) return ToCreate(fields, *pool);
  return is_trade ? ToTrade(fields, *pool) : ToMigration(fields, *pool);
}

struct TextField {
  const char* key;
  std::optional<absl::string_view> Fields::*member;
};
constexpr TextField kTextFields[] = {
    {"message", &Fields::message}, {"txType", &Fields::tx_type},
    {"pool", &Fields::pool},       {"signature", &Fields::signature},
    {"mint", &Fields::mint},       {"traderPublicKey", &Fields::trader},
    {"name", &Fields::name},       {"bondingCurveKey", &Fields::curve_key},
    {"symbol", &Fields::symbol},   {"uri", &Fields::uri},
};

struct NumberField {
  const char* key;
  absl::string_view Fields::*member;
};
constexpr NumberField kNumberFields[] = {
    {"initialBuy", &Fields::initial_buy},
    {"tokenAmount", &Fields::token_amount},
    {"solAmount", &Fields::sol_amount},
    {"newTokenBalance", &Fields::new_token_balance},
    {"vTokensInBondingCurve", &Fields::virtual_tokens},
    {"vSolInBondingCurve", &Fields::virtual_sol},
    {"tokensInPool", &Fields::pool_tokens},
    {"solInPool", &Fields::pool_sol},
    {"marketCapSol", &Fields::market_cap},
};

}  // namespace

class PumpPortalDecoder::Impl {
 public:
  explicit Impl(size_t max_frame_bytes) : max_frame_bytes_(max_frame_bytes), parser_(max_frame_bytes) {}

  PumpPortalFrame Decode(absl::string_view frame) {
    if (frame.size() > max_frame_bytes_) return PumpPortalMalformed{"the frame is larger than the limit"};
    if (frame.empty()) return PumpPortalMalformed{"the frame is empty"};
    if (padded_.size() < frame.size() + simdjson::SIMDJSON_PADDING) {
      padded_.resize(frame.size() + simdjson::SIMDJSON_PADDING);
    }
    std::memcpy(padded_.data(), frame.data(), frame.size());
    Fields fields;
    Damage damage;
    od::json_type type = od::json_type::null;
    if (Read(frame.size(), type, fields, damage) != simdjson::SUCCESS) return PumpPortalMalformed{"not JSON"};
    if (type != od::json_type::object) return PumpPortalUnknown{"not a JSON object"};
    if (damage.any()) return PumpPortalMalformed{std::move(damage.reason)};
    return Classify(fields);
  }

 private:
  simdjson::error_code Read(size_t size, od::json_type& type, Fields& fields, Damage& damage) {
    od::document document;
    SIMDJSON_TRY(parser_.iterate(padded_.data(), size, padded_.size()).get(document));
    SIMDJSON_TRY(document.type().get(type));
    if (type != od::json_type::object) return simdjson::SUCCESS;
    od::object root;
    SIMDJSON_TRY(document.get_object().get(root));
    for (auto field_result : root) {
      od::field field;
      SIMDJSON_TRY(std::move(field_result).get(field));
      SIMDJSON_TRY(ReadField(field, fields, damage));
    }
    const bool at_end = document.current_location().error() == simdjson::OUT_OF_BOUNDS;
    return at_end ? simdjson::SUCCESS : simdjson::TRAILING_CONTENT;
  }

  simdjson::error_code ReadField(od::field& field, Fields& fields, Damage& damage) {
    const od::raw_json_string key = field.key();
    for (const TextField& known : kTextFields) {
      if (key.unsafe_is_equal(known.key)) return ReadText(known, field.value(), fields, damage);
    }
    for (const NumberField& known : kNumberFields) {
      if (key.unsafe_is_equal(known.key)) return ReadNumber(known, field.value(), fields, damage);
    }
    if (key.unsafe_is_equal("is_mayhem_mode")) {
      if (field.value().get_bool().get(fields.is_mayhem) != simdjson::SUCCESS) fields.is_mayhem = false;
    } else if (key.unsafe_is_equal("errors")) {
      std::string_view json;
      SIMDJSON_TRY(simdjson::to_json_string(field.value()).get(json));
      fields.errors = View(json).substr(0, kMaxPumpPortalTextBytes);
    }
    return simdjson::SUCCESS;
  }

  simdjson::error_code ReadText(const TextField& known, od::value value, Fields& fields, Damage& damage) {
    od::json_type type;
    SIMDJSON_TRY(value.type().get(type));
    if (type == od::json_type::null) return simdjson::SUCCESS;
    if (type != od::json_type::string) {
      damage.Report(known.key, "is not a text");
      return simdjson::SUCCESS;
    }
    std::string_view text;
    SIMDJSON_TRY(value.get_string().get(text));
    if (text.size() > kMaxPumpPortalTextBytes) damage.Report(known.key, "is too long");
    fields.*known.member = View(text);
    return simdjson::SUCCESS;
  }

  simdjson::error_code ReadNumber(const NumberField& known, od::value value, Fields& fields, Damage& damage) {
    od::json_type type;
    SIMDJSON_TRY(value.type().get(type));
    if (type == od::json_type::null) return simdjson::SUCCESS;
    if (type != od::json_type::number) {
      damage.Report(known.key, "is not a number");
      return simdjson::SUCCESS;
    }
    // The token reaches to the next one, blanks included.
    absl::string_view token = View(value.raw_json_token());
    while (!token.empty() &&
           (token.back() == ' ' || token.back() == '\n' || token.back() == '\r' || token.back() == '\t')) {
      token.remove_suffix(1);
    }
    fields.*known.member = token;
    return simdjson::SUCCESS;
  }

  const size_t max_frame_bytes_;
  od::parser parser_;
  std::string padded_;
};

PumpPortalDecoder::PumpPortalDecoder(size_t max_frame_bytes) : impl_(std::make_unique<Impl>(max_frame_bytes)) {}
PumpPortalDecoder::~PumpPortalDecoder() = default;

PumpPortalFrame PumpPortalDecoder::Decode(absl::string_view frame) { return impl_->Decode(frame); }

absl::string_view PumpPortalPoolName(PumpPortalPool pool) {
  switch (pool) {
    case PumpPortalPool::kPump:
      return "pump";
    case PumpPortalPool::kPumpAmm:
      return "pump-amm";
    case PumpPortalPool::kBonk:
      return "bonk";
  }
  return "unknown";
}

absl::string_view CreateIdentityName(CreateIdentity identity) {
  switch (identity) {
    case CreateIdentity::kVirtualSol:
      return "virtual_sol";
    case CreateIdentity::kVirtualTokens:
      return "virtual_tokens";
    case CreateIdentity::kMarketCap:
      return "market_cap";
    case CreateIdentity::kProduct:
      return "product";
  }
  return "unknown";
}

bool CurveKeyMatches(const PumpPortalCreate& create) {
  const std::optional<Pubkey> mint = ParsePubkey(create.mint.text());
  return mint && create.bonding_curve_key && *create.bonding_curve_key == BondingCurveAddress(*mint).ToAddress();
}

}  // namespace tokenwatch::chain
