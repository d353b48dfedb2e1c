#include "tests/sim/truth_json.h"

#include <cstddef>
#include <initializer_list>
#include <utility>

#include "absl/strings/str_cat.h"
#include "chain/base58.h"
#include "tests/sim/json_text.h"

namespace tokenwatch::sim {
namespace {

using Members = std::initializer_list<std::pair<absl::string_view, uint64_t>>;

std::string KeyText(const chain::Pubkey& key) {
  char text[chain::kMaxBase58Size32];
  return std::string(text, chain::EncodeBase58(key.bytes, text));
}

// `"name":value` with commas between; counts are numbers, amounts are strings.
void AppendCounts(Members members, std::string* out) {
  for (const auto& [name, value] : members) {
    absl::StrAppend(out, out->empty() || out->back() == '{' ? "\"" : ",\"", name, "\":", value);
  }
}

void AppendAmounts(Members members, std::string* out) {
  for (const auto& [name, value] : members) {
    absl::StrAppend(out, out->back() == '{' ? "\"" : ",\"", name, "\":\"", value, "\"");
  }
}

void AppendLaunches(const LaunchCounts& counts, std::string* out) {
  AppendCounts({{"launches", counts.launches}, {"named", counts.named}, {"nameless", counts.nameless}}, out);
}

std::string Totals(const Truth& truth) {
  std::string text = "{\"totals\":{";
  AppendLaunches(truth.launches, &text);
  AppendCounts({{"trades", truth.trades},
                {"buys", truth.buys},
                {"sells", truth.sells},
                {"completed", truth.completed},
                {"migrated", truth.migrated},
                {"mayhem", truth.mayhem},
                {"cashback", truth.cashback},
                {"agent_trades", truth.agent_trades},
                {"mayhem_rewrites", truth.rewrites}},
               &text);
  text += "},\n\"solana\":{";
  const SolanaFeedTruth& extra = truth.solana.extra;
  AppendLaunches(truth.solana.launches, &text);
  AppendCounts({{"trades", truth.solana.trades},
                {"migrations", truth.solana.migrations},
                {"frames", truth.solana.frames},
                {"bytes", truth.solana.bytes},
                {"failed_frames", extra.failed_frames},
                {"failed_frames_with_events", extra.failed_frames_with_events},
                {"failed_trade_events", extra.failed_trade_events},
                {"failed_create_events", extra.failed_create_events},
                {"truncated_frames", extra.truncated_frames},
                {"truncated_trades", extra.truncated_trades},
                {"foreign_data_lines", extra.foreign_data_lines}},
               &text);
  text += "},\n\"pumpportal\":{";
  AppendLaunches(truth.pumpportal.launches, &text);
  AppendCounts({{"quote_mint_creates", truth.pumpportal.quote_mint_creates},
                {"trades", truth.pumpportal.trades},
                {"migrations", truth.pumpportal.migrations},
                {"frames", truth.pumpportal.frames},
                {"bytes", truth.pumpportal.bytes},
                {"acks", truth.pumpportal.acks},
                {"quarantined", truth.pumpportal.quarantined}},
               &text);
  for (size_t kind = 0; kind < truth.pumpportal.odd_frames.size(); ++kind) {
    AppendCounts({{OddPortalFrameText(static_cast<OddPortalFrame>(kind)), truth.pumpportal.odd_frames[kind]}}, &text);
  }
  text += "},\n\"any_feed\":{";
  AppendLaunches(truth.any_feed, &text);
  AppendCounts({{"migrations", truth.any_feed_migrations}}, &text);
  text += "},\n";
  return text;
}

void AppendToken(const Token& token, uint8_t seen, std::string* out) {
  absl::StrAppend(out, "{\"mint\":\"", KeyText(token.mint), "\",\"name\":");
  AppendJsonString(token.texts.name, out);
  *out += ",\"symbol\":";
  AppendJsonString(token.texts.symbol, out);
  *out += ",\"uri\":";
  AppendJsonString(token.texts.uri, out);
  absl::StrAppend(out, ",\"name_kind\":\"", NameKindText(token.texts.kind), "\"");
  const std::pair<absl::string_view, bool> flags[] = {
      {"mayhem", token.is_mayhem},
      {"cashback", token.is_cashback},
      {"completed", token.complete},
      {"migrated", token.migrated},
      {"on_solana", (seen & Simulator::kOnSolana) != 0},
      {"on_pumpportal", (seen & Simulator::kOnPumpPortal) != 0},
      {"named_on_pumpportal", (seen & Simulator::kNamedOnPumpPortal) != 0},
      {"migration_on_solana", (seen & Simulator::kMigrationOnSolana) != 0},
      {"migration_on_pumpportal", (seen & Simulator::kMigrationOnPumpPortal) != 0}};
  for (const auto& [name, value] : flags) absl::StrAppend(out, ",\"", name, "\":", value ? "true" : "false");
  AppendCounts({{"buys", token.buys}, {"sells", token.sells}}, out);
  AppendAmounts({{"bought_lamports", token.bought_lamports},
                 {"sold_lamports", token.sold_lamports},
                 {"bought_tokens", token.bought_tokens},
                 {"sold_tokens", token.sold_tokens},
                 {"agent_tokens", token.agent_tokens},
                 {"virtual_lamports", token.reserves.virtual_lamports},
                 {"virtual_tokens", token.reserves.virtual_tokens},
                 {"real_lamports", token.reserves.real_lamports},
                 {"real_tokens", token.reserves.real_tokens},
                 {"high_virtual_lamports", token.high_virtual_lamports},
                 {"high_virtual_tokens", token.high_virtual_tokens}},
                out);
  *out += "}";
}

void AppendWallet(const Wallet& wallet, const std::vector<Token>& tokens, std::string* out) {
  absl::StrAppend(out, "{\"wallet\":\"", KeyText(wallet.key), "\",\"trades\":", wallet.trades, ",\"net_lamports\":\"",
                  wallet.net_lamports, "\",\"tokens\":{");
  for (const std::vector<Position>* positions : {&wallet.positions, &wallet.settled}) {
    for (const Position& position : *positions) {
      AppendAmounts({{KeyText(tokens[position.token].mint), position.tokens}}, out);
    }
  }
  *out += "}}";
}

}  // namespace

void WriteTruthJson(const Simulator& simulator, bool with_wallets,
                    absl::FunctionRef<void(absl::string_view piece)> write) {
  const Market& market = simulator.market();
  write(Totals(simulator.truth()));
  write(absl::StrCat("\"agent\":{\"wallet\":\"", KeyText(market.agent_key()), "\",\"net_lamports\":\"",
                     market.agent_net_lamports(), "\"},\n\"tokens\":["));
  std::string piece;
  for (size_t i = 0; i < market.tokens().size(); ++i) {
    piece = i == 0 ? "\n" : ",\n";
    AppendToken(market.tokens()[i], simulator.sightings(i), &piece);
    write(piece);
  }
  write("\n]");
  if (with_wallets) {
    write(",\n\"wallets\":[");
    bool first = true;
    for (const Wallet& wallet : market.wallets()) {
      if (wallet.trades == 0) continue;
      piece = first ? "\n" : ",\n";
      first = false;
      AppendWallet(wallet, market.tokens(), &piece);
      write(piece);
    }
    write("\n]");
  }
  write("}\n");
}

}  // namespace tokenwatch::sim
