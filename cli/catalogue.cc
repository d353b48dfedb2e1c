#include "cli/catalogue.h"

#include <utility>

#include "cli/commands/commands.h"

namespace tokenwatch::cli {
namespace {

constexpr uint64_t kMaxListed = 1'000'000;
constexpr size_t kMaxTokens = 500;
constexpr size_t kMaxWatched = 1000;
constexpr size_t kMaxFrameIds = 1000;
constexpr uint64_t kMaxRedecoded = 10'000;

FlagSpec Switch(std::string name, std::string help, std::string excludes = "") {
  return {.name = std::move(name), .help = std::move(help), .excludes = std::move(excludes)};
}

FlagSpec Text(std::string name, std::string value, std::string help, bool repeated = false) {
  return {.name = std::move(name),
          .kind = ValueKind::kText,
          .value = std::move(value),
          .help = std::move(help),
          .repeated = repeated};
}

FlagSpec Choice(std::string name, std::string value, std::string help, std::vector<std::string> choices,
                bool repeated = false) {
  return {.name = std::move(name),
          .kind = ValueKind::kChoice,
          .value = std::move(value),
          .help = std::move(help),
          .choices = std::move(choices),
          .repeated = repeated};
}

FlagSpec Number(std::string name, std::string value, std::string help, uint64_t min, uint64_t max,
                std::string excludes = "") {
  return {.name = std::move(name),
          .kind = ValueKind::kNumber,
          .value = std::move(value),
          .help = std::move(help),
          .min = min,
          .max = max,
          .excludes = std::move(excludes)};
}

FlagSpec ListLimit() { return Number("limit", "N", "at most so many; 100 when not given", 1, kMaxListed); }

// What every command that follows a log takes.
void AddFollowFlags(std::vector<FlagSpec>& flags) {
  flags.push_back(Number("from", "CURSOR", "start after this cursor; 0, the default, starts with all there is", 0,
                         UINT64_MAX, "from-head"));
  flags.push_back(Switch("from-head", "start with what happens from now on"));
  flags.push_back(Switch("until-head", "end at the present head instead of following the log"));
  flags.push_back(Number("limit", "N", "end after so many", 1, UINT64_MAX));
  flags.push_back(Number("retries", "N", "reopen a lost stream so many times in a row; 8 when not given", 0, 1000));
}

PositionalSpec Token(std::string help, size_t min_count, size_t max_count) {
  return {.name = "TOKEN",
          .kind = ValueKind::kToken,
          .help = std::move(help),
          .min_count = min_count,
          .max_count = max_count};
}

constexpr char kFollowDetails[] =
    "Prints events as they come. A stream that is cut off or lost is opened again where it broke off, without gap or\n"
    "repeat. Ctrl-C ends it.";

GroupSpec TokensGroup() {
  CommandSpec list{.name = "list",
                   .summary = "tokens, newest first",
                   .flags = {Switch("pending", "only those without a name yet", "detected"),
                             Switch("detected", "only those with a name"), Text("chain", "CHAIN", "only of this chain"),
                             Text("creator", "WALLET", "only created by this wallet"), ListLimit()},
                   .examples = {"tokenwatch tokens list --pending --limit 20"},
                   .run = ListTokens};
  CommandSpec watch{.name = "watch",
                    .summary = "token events, as they happen",
                    .details = kFollowDetails,
                    .flags = {Text("chain", "CHAIN", "only of this chain", true),
                              Choice("kind", "KIND", "only this kind of event",
                                     {"launched", "discovered", "named", "updated", "completed", "migrated"}, true),
                              Switch("pending", "only of tokens without a name", "detected"),
                              Switch("detected", "only of tokens with a name"),
                              Text("creator", "WALLET", "only of tokens created by this wallet", true),
                              Text("venue", "VENUE", "only of tokens launched on this venue", true)},
                    .examples = {"tokenwatch tokens watch --from 0 --until-head",
                                 "tokenwatch tokens watch --from-head --kind named --json"},
                    .run = WatchTokens};
  AddFollowFlags(watch.flags);
  CommandSpec get{.name = "get",
                  .summary = "all that is known of a token",
                  .positionals = {Token("the token, <chain>:<address>; up to 500", 1, kMaxTokens)},
                  .examples = {"tokenwatch tokens get solana:9BB6NFEcjBCtnNLFko2FqVQBq8HHM13kCyYcdQbgpump"},
                  .run = GetTokens};
  CommandSpec search{.name = "search",
                     .summary = "tokens whose name or symbol contains a text, best match first",
                     .positionals = {{.name = "TEXT", .help = "1 to 64 characters; case does not matter"}},
                     .flags = {Text("chain", "CHAIN", "only of this chain"), ListLimit()},
                     .examples = {"tokenwatch tokens search \"pepe\""},
                     .run = SearchTokens};
  return {.name = "tokens", .summary = "tokens and what happens to them", .commands = {list, watch, get, search}};
}

GroupSpec TradesGroup() {
  CommandSpec tail{
      .name = "tail",
      .summary = "trades, as they happen",
      .details = kFollowDetails,
      .flags = {Text("wallet", "WALLET", "only of this trader", true),
                Text("token", "TOKEN", "only of this token, <chain>:<address> or an address", true),
                Choice("side", "SIDE", "only this side", {"buy", "sell"}),
                Text("venue", "VENUE", "only on this venue", true), Text("chain", "CHAIN", "only of this chain", true)},
      .examples = {"tokenwatch trades tail --wallet 5tzFkiKscXHK5ZXCGbXZxdw7gTjjD1mBwuoFbhUvuAi9",
                   "tokenwatch trades tail --from-head --side buy --json | jq .token"},
      .run = TailTrades};
  AddFollowFlags(tail.flags);
  return {.name = "trades", .summary = "the trade log", .commands = {tail}};
}

FlagSpec Time(std::string name, std::string help) {
  return {.name = std::move(name), .kind = ValueKind::kTime, .value = "TIME", .help = std::move(help)};
}

FlagSpec LongTime(std::string name, std::string help) {
  return {.name = std::move(name), .kind = ValueKind::kLongTime, .value = "DURATION", .help = std::move(help)};
}

CommandSpec PriceCommand() {
  return {
      .name = "",
      .summary = "what a token is worth, now or at a time, and who says so",
      .details =
          "The price of the newest trade, from memory; where trades are silent, oracles are asked. With --at the "
          "price\n"
          "of the newest trade at or before that time, whatever came later.",
      .positionals = {Token("the token, <chain>:<address>", 1, 1)},
      .flags = {Time("at", "as of this time"), LongTime("max-age", "refuse older prices; any age when not given"),
                Choice("policy", "POLICY",
                       "first-good when not given: the first source that has one; aggregate: the "
                       "median of all",
                       {"first-good", "aggregate", "log-only"}),
                Number("min-sources", "N", "with aggregate: sources that have to agree; 2 when not given", 1, 7),
                Text("quote", "ADDRESS", "only against this quote asset")},
      .examples = {"tokenwatch price solana:9BB6NFEcjBCtnNLFko2FqVQBq8HHM13kCyYcdQbgpump",
                   "tokenwatch price solana:9BB6NFEcjBCtnNLFko2FqVQBq8HHM13kCyYcdQbgpump --at 2026-07-03T14:45:30Z"},
      .run = ShowPrice};
}

GroupSpec PricesGroup() {
  CommandSpec watch{
      .name = "watch",
      .summary = "prices, as they change",
      .details =
          "Begins with the present ones. When prices come faster than they can be printed, the newest of each\n"
          "token is. Ctrl-C ends it.",
      .positionals = {Token("a token, <chain>:<address>; every token when none is given", 0, kMaxWatched)},
      .flags = {Number("limit", "N", "end after so many", 1, UINT64_MAX),
                Number("retries", "N", "reopen a lost stream so many times in a row; 8 when not given", 0, 1000)},
      .examples = {"tokenwatch prices watch solana:9BB6NFEcjBCtnNLFko2FqVQBq8HHM13kCyYcdQbgpump"},
      .run = WatchPrices};
  return {.name = "prices", .summary = "live prices", .commands = {watch}};
}

CommandSpec MarketsCommand() {
  return {.name = "",
          .summary = "where a token trades, the most liquid first",
          .positionals = {Token("the token, <chain>:<address>", 1, 1)},
          .flags = {Switch("refresh", "ask the oracles first")},
          .run = ShowMarkets};
}

CommandSpec HistoryCommand() {
  return {.name = "",
          .summary = "a token's trades summed up: its all-time high and low, when, traders, volume",
          .details = "Not complete is the history of a token whose earliest trades the log did not have any more.",
          .positionals = {Token("the token, <chain>:<address>", 1, 1)},
          .run = ShowHistory};
}

CommandSpec CandlesCommand() {
  return {
      .name = "",
      .summary = "open, high, low and close of a token's price, as a table, a chart or data",
      .positionals = {Token("the token, <chain>:<address>", 1, 1)},
      .flags = {Choice("interval", "INTERVAL", "length of a candle; 1m when not given", {"1s", "1m", "5m", "1h", "1d"}),
                Time("from",
                     "from the interval that holds this time; as far back as --limit intervals reach when not given"),
                Time("to", "to the interval that holds this time; the newest when not given"),
                Number("limit", "N", "at most so many; 100, or what a chart has room for, when not given", 1,
                       kMaxListed),
                Text("quote", "ADDRESS", "against this quote asset; that of the newest trade when not given"),
                Switch("plot", "draw a chart", "csv"),
                Switch("csv", "comma-separated values, with the exact ratios", "json"),
                Number("width", "N", "columns of the chart; the terminal's when not given", 40, 1000),
                Number("height", "N", "rows of the chart; the terminal's when not given", 12, 200),
                Switch("log", "equal steps of the chart are equal factors")},
      .examples = {"tokenwatch candles solana:9BB6NFEcjBCtnNLFko2FqVQBq8HHM13kCyYcdQbgpump --interval 1m --plot",
                   "tokenwatch candles solana:9BB6NFEcjBCtnNLFko2FqVQBq8HHM13kCyYcdQbgpump --from -6h --csv"},
      .run = ListCandles};
}

CommandSpec HotCommand() {
  return {
      .name = "",
      .summary = "the tokens with the most volume lately, hottest first",
      .details =
          "The score is the volume in whole units of the quote asset, each trade's half as much for every ten minutes\n"
          "since; time is the log's, so the same log gives the same list.",
      .flags = {Number("limit", "N", "at most so many; 20 when not given", 1, 10'000),
                Text("chain", "CHAIN", "only of this chain")},
      .examples = {"tokenwatch hot --limit 20"},
      .run = ListHotTokens};
}

GroupSpec RequestsGroup() {
  CommandSpec list{
      .name = "list",
      .summary = "stored wishes for a price, newest first",
      .flags = {Choice("state", "STATE", "only in this state", {"waiting", "answered", "expired"}), ListLimit()},
      .run = ListPriceRequests};
  CommandSpec add{
      .name = "add",
      .summary = "wishes for a price, and waits for it",
      .details =
          "The wish is stored: it is answered as soon as any source has a price, whether anybody waits or not. The\n"
          "same --id again follows the same wish.",
      .positionals = {Token("the token, <chain>:<address>", 1, 1)},
      .flags = {Text("id", "NAME", "names the wish; made up when not given"),
                LongTime("lifetime", "how long it is kept waiting, up to 7d; 24h when not given"),
                Switch("no-wait", "say where it stands and end")},
      .run = AddPriceRequest};
  return {.name = "requests", .summary = "prices that are waited for", .commands = {list, add}};
}

GroupSpec ResolutionsGroup() {
  CommandSpec get{.name = "get",
                  .summary = "what is known of a token's name, and who was asked",
                  .positionals = {Token("the token, <chain>:<address>", 1, 1)},
                  .run = GetResolution};
  CommandSpec list{.name = "list",
                   .summary = "tokens without a name, oldest first",
                   .flags = {Switch("dead", "only those that are out of attempts"), ListLimit()},
                   .run = ListResolutions};
  CommandSpec retry{.name = "retry",
                    .summary = "starts the attempts anew, for one token or for all that are out of attempts",
                    .positionals = {Token("the token, <chain>:<address>", 0, 1)},
                    .flags = {Switch("all-dead", "all that are out of attempts")},
                    .examples = {"tokenwatch resolutions retry --all-dead"},
                    .run = RetryResolutions};
  return {.name = "resolutions", .summary = "names, and how they were found", .commands = {get, list, retry}};
}

GroupSpec QuarantineGroup() {
  CommandSpec list{.name = "list",
                   .summary = "frames that could not be used, newest first",
                   .flags = {Text("feed", "FEED", "only from this feed"),
                             Text("reason", "REASON", "only for this reason"), ListLimit()},
                   .run = ListQuarantine};
  CommandSpec redecode{.name = "redecode",
                       .summary = "decodes frames again with the decoders of the running build",
                       .details = "What decodes now enters the log and leaves quarantine.",
                       .positionals = {{.name = "ID",
                                        .kind = ValueKind::kNumber,
                                        .help = "the frame; all when none is given",
                                        .min_count = 0,
                                        .max_count = kMaxFrameIds}},
                       .flags = {Text("reason", "REASON", "only frames of this reason"),
                                 Number("limit", "N", "at most so many frames; 1000 when not given", 1, kMaxRedecoded)},
                       .run = RedecodeQuarantine};
  return {.name = "quarantine", .summary = "frames that could not be used", .commands = {list, redecode}};
}

GroupSpec ConsumersGroup() {
  const PositionalSpec name{.name = "NAME", .help = "a lower-case word"};
  const PositionalSpec cursor{
      .name = "CURSOR", .kind = ValueKind::kNumber, .help = "everything up to here has been read"};
  CommandSpec list{
      .name = "list", .summary = "registered readers of the trade log", .flags = {ListLimit()}, .run = ListConsumers};
  CommandSpec add{.name = "register",
                  .summary = "registers a reader, or moves its cursor forward",
                  .details = "Retention keeps every trade that a registered reader has yet to read.",
                  .positionals = {name, cursor},
                  .run = RegisterConsumer};
  CommandSpec remove{.name = "delete",
                     .summary = "forgets a reader: retention no longer waits for it",
                     .positionals = {name},
                     .run = DeleteConsumer};
  return {.name = "consumers", .summary = "readers that retention waits for", .commands = {list, add, remove}};
}

GroupSpec Alone(const std::string& name, CommandSpec command) {
  return {.name = name, .summary = command.summary, .commands = {std::move(command)}};
}

Catalogue MakeCatalogue() {
  CommandSpec status{.name = "",
                     .summary = "totals, log heads, feeds, sources and latency of the services",
                     .details =
                         "With --json one object: {\"detector\":{...},\"resolver\":{...},\"pricing\":{...}}, each "
                         "the service's\nGetStatus answer, or null for a service that did not answer.",
                     .run = ShowStatus};
  CommandSpec summary{.name = "", .summary = "what a run found, in a few lines", .run = ShowSummary};
  CommandSpec doctor{.name = "",
                     .summary = "is each service reachable, on the right database, and each table there?",
                     .details = "Exits 0 only if all is well.",
                     .run = RunDoctor};
  CommandSpec completion{.name = "",
                         .summary = "prints a completion script for a shell",
                         .positionals = {{.name = "SHELL",
                                          .kind = ValueKind::kChoice,
                                          .help = "bash, zsh or fish",
                                          .choices = {"bash", "zsh", "fish"}}},
                         .examples = {"source <(tokenwatch completion bash)"},
                         .run = PrintCompletion};
  return {.groups = {TokensGroup(), TradesGroup(), Alone("price", PriceCommand()), PricesGroup(),
                     Alone("candles", CandlesCommand()), Alone("hot", HotCommand()), Alone("markets", MarketsCommand()),
                     Alone("history", HistoryCommand()), RequestsGroup(), ResolutionsGroup(), QuarantineGroup(),
                     ConsumersGroup(), Alone("status", status), Alone("summary", summary), Alone("doctor", doctor),
                     Alone("completion", completion)},
          .global_flags = {Text("detector", "HOST:PORT", "where the detector is; 127.0.0.1:7401 when nothing says so"),
                           Text("resolver", "HOST:PORT", "where the resolver is; 127.0.0.1:7402 when nothing says so"),
                           Text("pricing", "HOST:PORT", "where pricing is; 127.0.0.1:7404 when nothing says so"),
                           {.name = "timeout",
                            .kind = ValueKind::kDuration,
                            .value = "DURATION",
                            .help = "longest wait for an answer; 5s when not given"},
                           Switch("json", "one JSON object per line, keys as in the API")}};
}

}  // namespace

const Catalogue& TokenwatchCatalogue() {
  static const auto& catalogue = *new Catalogue(MakeCatalogue());
  return catalogue;
}

}  // namespace tokenwatch::cli
