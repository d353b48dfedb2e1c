#include "detector/pg_store/token_json.h"

#include <optional>
#include <utility>

#include <boost/json.hpp>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

namespace tokenwatch::detector {
namespace {

class Writer {
 public:
  explicit Writer(std::string& out) : out_(out) { out_.push_back('{'); }
  void End() { out_.push_back('}'); }

  void Text(absl::string_view key, absl::string_view value) {
    Key(key);
    AppendJsonText(value, out_);
  }
  void Number(absl::string_view key, uint64_t value) {
    Key(key);
    absl::StrAppend(&out_, value);
  }
  void Bool(absl::string_view key, bool value) {
    Key(key);
    out_.append(value ? "true" : "false");
  }
  void OptionalBool(absl::string_view key, const std::optional<bool>& value) {
    if (value.has_value()) Bool(key, *value);
  }
  void Time(absl::string_view key, absl::Time value) {
    Key(key);
    out_.push_back('"');
    AppendTimeText(value, out_);
    out_.push_back('"');
  }
  void OptionalTime(absl::string_view key, const std::optional<absl::Time>& value) {
    if (value.has_value()) Time(key, *value);
  }

 private:
  void Key(absl::string_view key) {
    if (out_.back() != '{') out_.push_back(',');
    absl::StrAppend(&out_, "\"", key, "\":");
  }
  std::string& out_;
};

// Reads fields of an object and remembers the first that is wrong.
class Reader {
 public:
  explicit Reader(const boost::json::object& object) : object_(object) {}

  std::string Text(absl::string_view key) {
    const boost::json::value* value = Find(key);
    if (value == nullptr) return "";
    if (!value->is_string()) return Wrong(key), "";
    return std::string(value->get_string());
  }
  uint64_t Number(absl::string_view key) {
    const boost::json::value* value = Find(key);
    if (value == nullptr) return 0;
    boost::json::error_code error;
    const auto number = value->to_number<uint64_t>(error);
    if (error) Wrong(key);
    return number;
  }
  bool Has(absl::string_view key) { return Find(key) != nullptr; }
  std::optional<bool> OptionalBool(absl::string_view key) {
    const boost::json::value* value = Find(key);
    if (value == nullptr) return std::nullopt;
    if (!value->is_bool()) return Wrong(key), std::nullopt;
    return value->get_bool();
  }
  std::optional<absl::Time> OptionalTime(absl::string_view key) {
    const std::string text = Text(key);
    if (text.empty()) return std::nullopt;
    absl::Time time;
    if (!absl::ParseTime(absl::RFC3339_full, text, &time, nullptr)) return Wrong(key), std::nullopt;
    return time;
  }
  chain::Address AddressOf(absl::string_view key) {
    const auto address = chain::Address::FromCanonical(Text(key));
    return address.has_value() ? *address : (Wrong(key), chain::Address());
  }
  chain::TransactionId TransactionOf(absl::string_view key) {
    const auto transaction = chain::TransactionId::FromCanonical(Text(key));
    return transaction.has_value() ? *transaction : (Wrong(key), chain::TransactionId());
  }
  Word WordOf(absl::string_view key) {
    const std::string text = Text(key);
    if (text.size() > Word::kMaxSize) return Wrong(key), Word();
    return Word(text);
  }
  std::optional<chain::Amount> OptionalAmount(absl::string_view key) {
    if (!Has(key)) return std::nullopt;
    const std::string text = Text(key);
    const auto amount = chain::Amount::Parse(text);
    if (!amount.has_value()) Wrong(key);
    return amount;
  }
  void Wrong(absl::string_view key) {
    if (wrong_.empty()) wrong_ = std::string(key);
  }
  const std::string& wrong() const { return wrong_; }

 private:
  const boost::json::value* Find(absl::string_view key) {
    const boost::json::value* value = object_.if_contains(boost::json::string_view(key.data(), key.size()));
    return value == nullptr || value->is_null() ? nullptr : value;
  }
  const boost::json::object& object_;
  std::string wrong_;
};

Token ReadToken(Reader& row) {
  Token token;
  token.ref = {chain::ParseChain(row.Text("chain")), row.AddressOf("address")};
  if (token.ref.chain == chain::Chain::kUnknown) row.Wrong("chain");
  token.first_cursor = row.Number("first_cursor");
  if (const auto origin = ParseTokenOrigin(row.Text("origin"))) {
    token.origin = *origin;
  } else {
    row.Wrong("origin");
  }
  token.name = row.Text("name");
  token.symbol = row.Text("symbol");
  token.uri = row.Text("uri");
  token.name_source = row.Text("name_source");
  token.name_sanitized = row.OptionalBool("name_sanitized").value_or(false);
  token.creator = row.AddressOf("creator");
  token.venue = row.WordOf("venue");
  token.pool = row.AddressOf("pool");
  token.quote = row.AddressOf("quote_address");
  if (row.Has("decimals")) token.decimals = static_cast<uint8_t>(row.Number("decimals"));
  token.supply = row.OptionalAmount("supply");
  token.is_mayhem = row.OptionalBool("is_mayhem");
  token.is_cashback = row.OptionalBool("is_cashback");
  token.launch_transaction = row.TransactionOf("launch_transaction");
  token.launch_slot = row.Number("launch_slot");
  token.launched_at = row.OptionalTime("launched_at");
  token.first_seen_at = row.OptionalTime("first_seen_at").value_or(absl::UnixEpoch());
  token.named_at = row.OptionalTime("named_at");
  token.completed_at = row.OptionalTime("completed_at");
  if (const auto migrated_at = row.OptionalTime("migrated_at")) {
    token.migration = Migration{row.WordOf("migrated_to"), *migrated_at, row.TransactionOf("migration_transaction")};
  }
  token.feeds = absl::StrSplit(row.Text("feeds"), ',', absl::SkipEmpty());
  if (const std::string chain_name = row.Text("imitates_chain"); !chain_name.empty()) {
    token.imitates = chain::TokenRef{chain::ParseChain(chain_name), row.AddressOf("imitates_address")};
  }
  return token;
}

}  // namespace

void AppendJsonText(absl::string_view text, std::string& out) {
  out.push_back('"');
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(c);
    } else if (static_cast<unsigned char>(c) < 0x20) {
      absl::StrAppendFormat(&out, "\\u%04x", static_cast<unsigned char>(c));
    } else {
      out.push_back(c);
    }
  }
  out.push_back('"');
}

void AppendTimeText(absl::Time time, std::string& out) {
  out.append(absl::FormatTime("%E4Y-%m-%dT%H:%M:%E6SZ", time, absl::UTCTimeZone()));
}

void AppendTokenJson(const Token& token, std::string& out) {
  Writer row(out);
  row.Text("chain", chain::ChainName(token.ref.chain));
  row.Text("address", token.ref.address.text());
  row.Number("first_cursor", token.first_cursor);
  row.Text("origin", ToWord(token.origin));
  row.Text("name", token.name);
  row.Text("symbol", token.symbol);
  row.Text("uri", token.uri);
  row.Text("name_source", token.name_source);
  row.Bool("name_sanitized", token.name_sanitized);
  row.Text("creator", token.creator.text());
  row.Text("venue", token.venue.text());
  row.Text("pool", token.pool.text());
  row.Text("quote_address", token.quote.text());
  if (token.decimals.has_value()) row.Number("decimals", *token.decimals);
  if (token.supply.has_value()) row.Text("supply", token.supply->ToString());
  row.OptionalBool("is_mayhem", token.is_mayhem);
  row.OptionalBool("is_cashback", token.is_cashback);
  row.Text("launch_transaction", token.launch_transaction.text());
  row.Number("launch_slot", token.launch_slot);
  row.OptionalTime("launched_at", token.launched_at);
  row.Time("first_seen_at", token.first_seen_at);
  row.OptionalTime("named_at", token.named_at);
  row.OptionalTime("completed_at", token.completed_at);
  row.Text("migrated_to", token.migration ? token.migration->venue.text() : "");
  if (token.migration.has_value()) row.Time("migrated_at", token.migration->time);
  row.Text("migration_transaction", token.migration ? token.migration->transaction.text() : "");
  row.Text("feeds", absl::StrJoin(token.feeds, ","));
  row.Text("imitates_chain", token.imitates ? chain::ChainName(token.imitates->chain) : "");
  row.Text("imitates_address", token.imitates ? token.imitates->address.text() : "");
  row.End();
}

absl::StatusOr<Token> ParseTokenJson(absl::string_view json, TokenState state) {
  boost::json::error_code error;
  const boost::json::value value = boost::json::parse(boost::json::string_view(json.data(), json.size()), error);
  if (error || !value.is_object()) return absl::InternalError("a stored token is not a JSON object");
  Reader row(value.get_object());
  Token token = ReadToken(row);
  token.state = state;
  if (!row.wrong().empty()) {
    return absl::InternalError(absl::StrCat("a stored token has a bad \"", row.wrong(), "\""));
  }
  return token;
}

}  // namespace tokenwatch::detector
