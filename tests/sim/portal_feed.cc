#include "tests/sim/portal_feed.h"

#include <charconv>
#include <cmath>
#include <cstddef>
#include <initializer_list>
#include <utility>

#include "absl/strings/str_cat.h"
#include "chain/base58.h"
#include "tests/sim/json_text.h"

namespace tokenwatch::sim {
namespace {

constexpr absl::string_view kUsdcMint = "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v";
constexpr double kTokenUnit = 1e6;
constexpr double kLamportsPerSol = 1e9;

// One flat JSON object, members in the order written.
class ObjectWriter {
 public:
  explicit ObjectWriter(std::string* out) : out_(out) { out_->assign("{"); }
  ~ObjectWriter() { out_->push_back('}'); }
  ObjectWriter(const ObjectWriter&) = delete;
  ObjectWriter& operator=(const ObjectWriter&) = delete;

  ObjectWriter& Text(absl::string_view name, absl::string_view value) {
    Name(name);
    AppendJsonString(value, out_);
    return *this;
  }
  // The shortest digits that read back to the same number, without an exponent.
  ObjectWriter& Number(absl::string_view name, double value) {
    Name(name);
    char digits[400];
    const auto end = std::to_chars(digits, digits + sizeof(digits), value, std::chars_format::fixed).ptr;
    out_->append(digits, static_cast<size_t>(end - digits));
    return *this;
  }
  ObjectWriter& Bool(absl::string_view name, bool value) {
    Name(name);
    absl::StrAppend(out_, value ? "true" : "false");
    return *this;
  }

 private:
  void Name(absl::string_view name) { absl::StrAppend(out_, out_->size() > 1 ? ",\"" : "\"", name, "\":"); }

  std::string* out_;
};

std::string KeyText(const chain::Pubkey& key) {
  char text[chain::kMaxBase58Size32];
  return std::string(text, chain::EncodeBase58(key.bytes, text));
}

chain::Pubkey DrawKey(Random& random) {
  chain::Pubkey key;
  random.Fill(key.bytes.data(), key.bytes.size());
  return key;
}

}  // namespace

absl::string_view OddPortalFrameText(OddPortalFrame kind) {
  switch (kind) {
    case OddPortalFrame::kUnknownType:
      return "unknown_type";
    case OddPortalFrame::kUnknownPool:
      return "unknown_pool";
    case OddPortalFrame::kMalformed:
      return "malformed";
    case OddPortalFrame::kBonkCreate:
      return "bonk_create";
  }
  return "unknown_type";
}

void WritePortalAck(int index, std::string* raw) {
  ObjectWriter(raw).Text("message", index == 0 ? "Successfully subscribed to token creation events."
                                               : "Subscribed to 'migration' events.");
}

void WritePortalCreate(const Token& token, const chain::Pubkey& creator, absl::string_view signature,
                       uint64_t initial_buy_tokens, bool with_texts, bool as_quote_mint, std::string* raw) {
  // The feed derives all from the tokens bought: k over what is left gives the SOL, rounded to lamports for solAmount.
  // This reproduces 129 of 129 recorded creates to the last digit.
  const double initial_buy = static_cast<double>(initial_buy_tokens) / kTokenUnit;
  const double virtual_tokens = 1'073'000'000.0 - initial_buy;
  const double virtual_sol = 32'190'000'000.0 / virtual_tokens;
  const double sol_amount = std::floor((virtual_sol - 30.0) * kLamportsPerSol + 0.5) / kLamportsPerSol;
  ObjectWriter object(raw);
  object.Text("signature", signature).Text("mint", as_quote_mint ? std::string(kUsdcMint) : KeyText(token.mint));
  object.Text("traderPublicKey", KeyText(creator)).Text("txType", "create");
  object.Number("initialBuy", initial_buy).Number("solAmount", sol_amount);
  object.Text("bondingCurveKey", KeyText(token.curve));
  object.Number("vTokensInBondingCurve", virtual_tokens).Number("vSolInBondingCurve", virtual_sol);
  object.Number("marketCapSol", virtual_sol / virtual_tokens * 1e9);
  if (with_texts) {
    object.Text("name", token.texts.name).Text("symbol", token.texts.symbol).Text("uri", token.texts.uri);
  }
  object.Bool("is_mayhem_mode", token.is_mayhem).Text("pool", "pump");
}

void WritePortalMigration(const Token& token, absl::string_view signature, std::string* raw) {
  ObjectWriter(raw)
      .Text("signature", signature)
      .Text("mint", KeyText(token.mint))
      .Text("txType", "migrate")
      .Text("pool", "pump-amm");
}

void WritePortalTrade(const Token& token, const Trade& trade, const chain::Pubkey& trader, absl::string_view signature,
                      std::string* raw) {
  const double virtual_tokens = static_cast<double>(trade.fill.after.virtual_tokens) / kTokenUnit;
  const double virtual_sol = static_cast<double>(trade.fill.after.virtual_lamports) / kLamportsPerSol;
  ObjectWriter object(raw);
  object.Text("signature", signature).Text("mint", KeyText(token.mint)).Text("traderPublicKey", KeyText(trader));
  object.Text("txType", trade.is_buy ? "buy" : "sell");
  object.Number("tokenAmount", static_cast<double>(trade.fill.tokens) / kTokenUnit);
  object.Number("solAmount", static_cast<double>(trade.fill.lamports) / kLamportsPerSol);
  object.Number("newTokenBalance", static_cast<double>(trade.trader_tokens_after) / kTokenUnit);
  object.Text("bondingCurveKey", KeyText(token.curve));
  object.Number("vTokensInBondingCurve", virtual_tokens).Number("vSolInBondingCurve", virtual_sol);
  object.Number("marketCapSol", virtual_sol / virtual_tokens * 1e9).Text("pool", "pump");
}

void WriteOddPortalFrame(OddPortalFrame kind, absl::string_view signature, Random& random, std::string* raw) {
  const std::string mint = KeyText(DrawKey(random));
  const std::string trader = KeyText(DrawKey(random));
  if (kind == OddPortalFrame::kUnknownType) {
    ObjectWriter(raw).Text("signature", signature).Text("mint", mint).Text("txType", "airdrop").Text("pool", "pump");
    return;
  }
  if (kind == OddPortalFrame::kMalformed) {
    raw->assign(absl::StrCat(R"({"signature":")", signature, R"(","mint":")", mint.substr(0, 20)));
    return;
  }
  const bool bonk = kind == OddPortalFrame::kBonkCreate;
  ObjectWriter object(raw);
  object.Text("signature", signature).Text("traderPublicKey", trader).Text("txType", "create").Text("mint", mint);
  object.Number("solInPool", 0.89055).Number("tokensInPool", 967574707.778913);
  object.Number("initialBuy", 32425292.221087).Number("solAmount", 0.89055).Number("newTokenBalance", 32425292.221087);
  object.Number("marketCapSol", 29.72713613571716);
  if (!bonk || random.Below(2) == 0) object.Text("name", "Elsewhere").Text("symbol", "ELSE").Text("uri", "");
  object.Text("pool", bonk ? "bonk" : "moonshot");
}

}  // namespace tokenwatch::sim
