#include "pricing/pg_store/pg_store.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/postgres/copy.h"
#include "pricing/pg_store/parked_codec.h"
#include "pricing/pg_store/schema.h"
#include "pricing/pg_store/series_rows.h"
#include "pricing/pg_store/statements.h"
#include "pricing/pg_store/values.h"
#include "pricing/pg_store/write_session.h"

namespace tokenwatch::pricing {
namespace {

using common::Transaction;

// The lock's key is the service's name in numbers: "tokw" "pri0".
constexpr int64_t kWriterLock = 0x746f6b7770726930;

common::ConnectionOptions ConnectionOptionsOf(const PgStoreOptions& options) {
  common::ConnectionOptions connection;
  connection.dsn = SessionDsn(options.dsn);
  connection.application_name = "tokenwatch-pricing";
  return connection;
}

// Each row by `convert`, which returns a value or a StatusOr of one.
template <typename T, typename Convert>
absl::StatusOr<std::vector<T>> ToValues(absl::string_view what, const absl::StatusOr<pqxx::result>& rows,
                                        const Convert& convert) {
  if (!rows.ok()) return rows.status();
  return common::Guard(what, [&]() -> absl::StatusOr<std::vector<T>> {
    std::vector<T> values;
    values.reserve(rows->size());
    for (const pqxx::row& row : *rows) {
      absl::StatusOr<T> value = convert(row);
      if (!value.ok()) return value.status();
      values.push_back(*std::move(value));
    }
    return values;
  });
}

std::string ChainText(const chain::TokenRef& token) { return std::string(chain::ChainName(token.chain)); }
std::string AddressText(const chain::Address& address) { return std::string(address.text()); }

}  // namespace

absl::StatusOr<std::unique_ptr<PgStore>> PgStore::Open(const PgStoreOptions& options, absl::Time deadline,
                                                       common::PostgresObserver& observer, common::Clock& clock) {
  const common::ConnectionOptions connection = ConnectionOptionsOf(options);
  {
    auto session = common::Connection::Open(connection, deadline, observer, clock);
    if (!session.ok()) return session.status();
    absl::Status prepared = PrepareSchema(**session, options.expected_database, options.expected_role, deadline);
    if (!prepared.ok()) return prepared;
  }
  common::PoolOptions pool_options;
  pool_options.connection = connection;
  pool_options.connection.statements = StoreStatements();
  pool_options.max_connections = options.max_connections;
  auto pool = common::Pool::Create(pool_options, deadline, observer, clock);
  if (!pool.ok()) return pool.status();
  return std::unique_ptr<PgStore>(new PgStore(options, *std::move(pool), observer, clock));
}

template <typename... Args>
absl::StatusOr<pqxx::result> PgStore::Query(absl::string_view what, const common::Statement& statement,
                                            absl::Time deadline, Args&&... args) {
  auto connection = pool_->Acquire(deadline);
  if (!connection.ok()) return connection.status();
  return (*connection)->Query(what, statement, deadline, std::forward<Args>(args)...);
}

absl::StatusOr<std::unique_ptr<WriteSession>> PgStore::OpenWriteSession(absl::Time deadline) {
  return PgWriteSession::Open({.connection = ConnectionOptionsOf(options_),
                               .lock_key = kWriterLock,
                               .write_timeout = options_.write_timeout,
                               .parted_series = options_.parted_series},
                              deadline, observer_, clock_);
}

absl::StatusOr<Checkpoint> PgStore::ReadCheckpoint(absl::Time deadline) {
  const auto rows = Query("read the checkpoint", kReadCheckpoint, deadline);
  if (!rows.ok()) return rows.status();
  if (rows->size() != 1) {
    return absl::InternalError("table pricing.checkpoints has no row \"fold\": the database was changed by hand");
  }
  return common::Guard("read the checkpoint", [&] { return ToCheckpoint((*rows)[0]); });
}

absl::StatusOr<std::vector<Series>> PgStore::LoadSeries(absl::Span<const SeriesKey> keys, absl::Time deadline) {
  if (keys.empty()) return std::vector<Series>();
  KeyArrays arrays;
  for (const SeriesKey& key : keys) arrays.Add(key);
  return ToValues<Series>(
      "load series",
      Query("load series", kLoadSeries, deadline, arrays.chains.Take(), arrays.addresses.Take(), arrays.quotes.Take()),
      ToSeries);
}

absl::StatusOr<std::vector<Series>> PgStore::LoadSeriesOf(absl::Span<const chain::TokenRef> tokens,
                                                          absl::Time deadline) {
  if (tokens.empty()) return std::vector<Series>();
  KeyArrays arrays;
  for (const chain::TokenRef& token : tokens) arrays.Add(token);
  return ToValues<Series>(
      "load series of tokens",
      Query("load series of tokens", kLoadSeriesOf, deadline, arrays.chains.Take(), arrays.addresses.Take()), ToSeries);
}

absl::StatusOr<std::vector<ChunkRow>> PgStore::LoadChunks(absl::Span<const std::pair<SeriesKey, absl::Time>> chunks,
                                                          absl::Time deadline) {
  if (chunks.empty()) return std::vector<ChunkRow>();
  KeyArrays arrays;
  TextArray starts;
  for (const auto& [key, start] : chunks) {
    arrays.Add(key);
    starts.Add(TimeText(start));
  }
  return ToValues<ChunkRow>("load candles",
                            Query("load candles", kLoadChunks, deadline, arrays.chains.Take(), arrays.addresses.Take(),
                                  arrays.quotes.Take(), starts.Take()),
                            ToChunk);
}

absl::StatusOr<std::vector<ChunkRow>> PgStore::ReadChunks(const SeriesKey& key, absl::Time from, absl::Time to,
                                                          int limit, absl::Time deadline) {
  return ToValues<ChunkRow>(
      "read candles",
      Query("read candles", kReadChunks, deadline, ChainText(key.token), AddressText(key.token.address),
            AddressText(key.quote), TimeText(from), TimeText(to), limit),
      ToChunk);
}

absl::StatusOr<std::optional<ChunkRow>> PgStore::ReadChunkBefore(const SeriesKey& key, absl::Time before,
                                                                 absl::Time deadline) {
  auto chunks = ToValues<ChunkRow>("read candles",
                                   Query("read candles", kReadChunkBefore, deadline, ChainText(key.token),
                                         AddressText(key.token.address), AddressText(key.quote), TimeText(before)),
                                   ToChunk);
  if (!chunks.ok()) return chunks.status();
  if (chunks->empty()) return std::optional<ChunkRow>();
  return std::optional<ChunkRow>(std::move(chunks->front()));
}

absl::Status PgStore::VisitPersisted(const std::function<void(const SeriesKey&)>& visit, absl::Time deadline) {
  auto connection = pool_->Acquire(deadline);
  if (!connection.ok()) return connection.status();
  // All of them, so the answer is never in memory as a whole.
  return (*connection)->Transact("read the keys of all series", deadline, [&](Transaction& transaction) {
    auto copy = common::CopyOut::Begin(transaction, "SELECT chain, address, quote FROM pricing.token_prices");
    if (!copy.ok()) return copy.status();
    absl::string_view row;
    while (true) {
      const auto next = copy->Next(&row);
      if (!next.ok()) return next.status();
      if (!*next) return absl::OkStatus();
      absl::string_view fields[3];
      if (!common::SplitCopyRow(row, fields)) return absl::InternalError("a key of token_prices has not three fields");
      const auto address = chain::Address::FromCanonical(fields[1]);
      const auto quote = chain::Address::FromCanonical(fields[2]);
      if (!address.has_value() || !quote.has_value()) {
        return absl::DataLossError("token_prices holds an address that is none");
      }
      visit({{chain::ParseChain(fields[0]), *address}, *quote});
    }
  });
}

absl::Status PgStore::VisitParked(const std::function<void(ParkedSeries&&)>& visit, absl::Time deadline) {
  auto connection = pool_->Acquire(deadline);
  if (!connection.ok()) return connection.status();
  int64_t flush = -1;
  int part = 0;
  while (true) {
    const auto rows = (*connection)->Query("read parked trades", kReadParked, deadline, flush, part);
    if (!rows.ok()) return rows.status();
    if (rows->empty()) return absl::OkStatus();
    const absl::Status read = common::Guard("read parked trades", [&] {
      for (const pqxx::row& row : *rows) {
        flush = row[0].as<int64_t>();
        part = row[1].as<int>();
        if (absl::Status status = UnpackParked(BytesOf(row[2]), visit); !status.ok()) return status;
      }
      return absl::OkStatus();
    });
    if (!read.ok()) return read;
  }
}

absl::StatusOr<bool> PgStore::Watch(const chain::TokenRef& token, absl::Time now, absl::Time deadline) {
  const auto rows =
      Query("watch a token", kWatch, deadline, ChainText(token), AddressText(token.address), TimeText(now));
  if (!rows.ok()) return rows.status();
  return rows->affected_rows() > 0;
}

absl::StatusOr<bool> PgStore::Unwatch(const chain::TokenRef& token, absl::Time deadline) {
  const auto rows = Query("unwatch a token", kUnwatch, deadline, ChainText(token), AddressText(token.address));
  if (!rows.ok()) return rows.status();
  return rows->affected_rows() > 0;
}

absl::StatusOr<std::vector<chain::TokenRef>> PgStore::ListWatched(absl::Time deadline) {
  return ToValues<chain::TokenRef>("list watched tokens", Query("list watched tokens", kListWatched, deadline),
                                   [](const pqxx::row& row) { return ToTokenRef(row[0], row[1]); });
}

absl::Status PgStore::AddReferences(absl::Span<const Reference> references, absl::Time deadline) {
  if (references.empty()) return absl::OkStatus();
  KeyArrays assets;
  TextArray times;
  TextArray sources;
  TextArray prices;
  for (const Reference& reference : references) {
    assets.Add(reference.asset);
    times.Add(TimeText(reference.event_time));
    sources.Add(reference.source.text());
    prices.Add(reference.usd);
  }
  return Query("store references", kAddReferences, deadline, assets.chains.Take(), assets.addresses.Take(),
               times.Take(), sources.Take(), prices.Take())
      .status();
}

absl::StatusOr<std::vector<Reference>> PgStore::LoadReferences(absl::Time from, absl::Time deadline) {
  return ToValues<Reference>(
      "load references", Query("load references", kLoadReferences, deadline, TimeText(from)), [](const pqxx::row& row) {
        return Reference{ToTokenRef(row[0], row[1]), ToTime(row[2], absl::InfinitePast()), row[4].as<std::string>(),
                         Word(TextOf(row[3]).substr(0, Word::kMaxSize))};
      });
}

absl::StatusOr<PriceRequest> PgStore::AddRequest(const PriceRequest& request, absl::Time deadline) {
  const auto added = Query("store a price request", kAddRequest, deadline, request.request_id, ChainText(request.token),
                           AddressText(request.token.address), TimeText(request.created_at),
                           TimeText(request.expires_at), TimeText(request.next_attempt_at), request.reason);
  if (!added.ok()) return added.status();
  auto stored = GetRequest(request.request_id, deadline);
  if (stored.ok() && stored->token != request.token) {
    return absl::AlreadyExistsError(absl::StrCat("request_id: \"", request.request_id, "\" is a request for ",
                                                 ChainText(stored->token), ":", stored->token.address.text()));
  }
  return stored;
}

absl::StatusOr<PriceRequest> PgStore::GetRequest(const std::string& request_id, absl::Time deadline) {
  auto requests = ToValues<PriceRequest>("get a price request",
                                         Query("get a price request", kGetRequest, deadline, request_id), ToRequest);
  if (!requests.ok()) return requests.status();
  if (requests->empty()) return absl::NotFoundError(absl::StrCat("request_id: no request \"", request_id, "\""));
  return std::move(requests->front());
}

absl::StatusOr<RequestPage> PgStore::ListRequests(std::optional<RequestState> state,
                                                  const std::optional<std::pair<absl::Time, std::string>>& after,
                                                  int limit, absl::Time deadline) {
  const absl::Time before = after.has_value() ? after->first : absl::InfiniteFuture();
  auto requests = ToValues<PriceRequest>(
      "list price requests",
      Query("list price requests", kListRequests, deadline, state.has_value() ? static_cast<int>(*state) : 0,
            TimeText(before), after.has_value() ? after->second : std::string(), limit),
      ToRequest);
  if (!requests.ok()) return requests.status();
  RequestPage page;
  page.requests = *std::move(requests);
  if (page.requests.size() == static_cast<size_t>(limit) && limit > 0) {
    page.next = {page.requests.back().created_at, page.requests.back().request_id};
  }
  return page;
}

absl::StatusOr<std::vector<PriceRequest>> PgStore::TakeDueRequests(int limit, absl::Time now, absl::Time lease_until,
                                                                   absl::Time deadline) {
  auto requests = ToValues<PriceRequest>(
      "take due price requests",
      Query("take due price requests", kTakeDueRequests, deadline, TimeText(now), TimeText(lease_until), limit),
      ToRequest);
  if (!requests.ok()) return requests.status();
  std::sort(requests->begin(), requests->end(),
            [](const PriceRequest& a, const PriceRequest& b) { return a.created_at < b.created_at; });
  return requests;
}

absl::Status PgStore::FinishRequests(absl::Span<const PriceRequest> requests, absl::Time deadline) {
  if (requests.empty()) return absl::OkStatus();
  return Query("store outcomes of price requests", kFinishRequests, deadline, OutcomesJson(requests)).status();
}

absl::StatusOr<int64_t> PgStore::CountWaiting(absl::Time deadline) {
  const auto rows = Query("count waiting price requests", kCountWaiting, deadline);
  if (!rows.ok()) return rows.status();
  return (*rows)[0][0].as<int64_t>();
}

absl::StatusOr<int64_t> PgStore::PruneRequests(absl::Time before, int limit, absl::Time deadline) {
  const auto rows = Query("delete old price requests", kPruneRequests, deadline, TimeText(before), limit);
  if (!rows.ok()) return rows.status();
  return static_cast<int64_t>(rows->affected_rows());
}

absl::StatusOr<DatabaseState> PgStore::Diagnose(absl::Time deadline) {
  auto connection = pool_->Acquire(deadline);
  if (!connection.ok()) return connection.status();
  return InspectSchema(**connection, deadline);
}

}  // namespace tokenwatch::pricing
