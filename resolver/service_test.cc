// The whole resolver but for its main: real PostgreSQL, real gRPC, fake detector and fake upstreams.
#include "resolver/service.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "common/app/grpc_server.h"
#include "common/rpc/channel.h"
#include "common/rpc/status.h"
#include "common/testing/pg_cluster.h"
#include "common/testing/wait_for.h"
#include "grpcpp/grpcpp.h"
#include "resolver/convert.h"
#include "resolver/detector_client.h"
#include "resolver/loops/loops.h"
#include "resolver/pg_store/pg_store.h"
#include "resolver/sources/make_sources.h"
#include "tests/fakes/fake_dexscreener.h"
#include "tests/fakes/fake_solana_rpc.h"

namespace tokenwatch::resolver {
namespace {

namespace det = detector::v1;
using ::testing::HasSubstr;
using ::testing::StartsWith;

TokenRef Token(uint32_t number) {
  std::array<uint8_t, 32> bytes{};
  for (int i = 0; i < 4; ++i) bytes[static_cast<size_t>(i)] = static_cast<uint8_t>(number >> (8 * i));
  bytes[31] = 9;
  return {chain::Chain::kSolana, chain::Address::FromSolanaBytes(bytes)};
}

// As much of a detector as the resolver sees, with real leases.
class FakeDetector final : public det::DetectorService::Service {
 public:
  FakeDetector() {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port_);
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
  }
  ~FakeDetector() override {
    {
      common::MutexLock lock(mutex_);
      stopping_ = true;
      changed_.NotifyAll();
    }
    server_->Shutdown(std::chrono::system_clock::now());
  }
  std::string address() const { return absl::StrCat("127.0.0.1:", port_); }

  void Launch(const TokenRef& token, const std::string& name = "", const std::string& symbol = "") {
    common::MutexLock lock(mutex_);
    det::TokenEvent event;
    event.set_cursor(events_.size() + 1);
    event.set_kind(det::TOKEN_EVENT_KIND_LAUNCHED);
    *event.mutable_event_time() = ToTimestamp(absl::Now());
    *event.mutable_token()->mutable_token() = FromTokenRef(token);
    event.mutable_token()->set_state(name.empty() ? det::TOKEN_STATE_PENDING : det::TOKEN_STATE_DETECTED);
    event.mutable_token()->set_name(name.empty() ? "(unnamed)" : name);
    event.mutable_token()->set_symbol(symbol);
    if (!name.empty()) event.mutable_token()->set_name_source("launch");
    events_.push_back(event);
    if (name.empty()) pending_[token] = {absl::Now(), absl::InfinitePast()};
    changed_.NotifyAll();
  }

  grpc::Status ClaimPendingTokens(grpc::ServerContext*, const det::ClaimPendingTokensRequest* request,
                                  det::ClaimPendingTokensResponse* response) override {
    common::MutexLock lock(mutex_);
    const absl::Time now = absl::Now();
    for (auto& [token, pending] : pending_) {
      if (response->tokens_size() >= request->limit()) break;
      if (pending.not_before > now) continue;
      pending.not_before = now + absl::Seconds(request->lease().seconds());
      *response->add_tokens()->mutable_token()->mutable_token() = FromTokenRef(token);
      ++claims_;
    }
    return grpc::Status::OK;
  }
  grpc::Status CompleteResolutions(grpc::ServerContext*, const det::CompleteResolutionsRequest* request,
                                   det::CompleteResolutionsResponse*) override {
    common::MutexLock lock(mutex_);
    if (failures_ > 0) {
      --failures_;
      return {grpc::StatusCode::INTERNAL, "told to fail"};
    }
    for (const det::Resolution& resolution : request->resolutions()) {
      const TokenRef token = ToTokenRef(resolution.token()).value();
      const auto found = pending_.find(token);
      if (!resolution.name().empty()) {
        named_[token] = resolution;
        if (found != pending_.end()) {
          waited_.push_back(absl::Now() - found->second.since);
          pending_.erase(found);
        }
      } else if (found != pending_.end()) {
        found->second.not_before =
            resolution.has_retry_at() ? FromTimestamp(resolution.retry_at()) : absl::InfinitePast();
        ++returned_;
      }
    }
    return grpc::Status::OK;
  }
  grpc::Status WatchTokens(grpc::ServerContext* context, const det::WatchTokensRequest* request,
                           grpc::ServerWriter<det::WatchTokensResponse>* writer) override {
    uint64_t cursor = request->after_cursor();
    common::MutexLock lock(mutex_);
    if (cursor > events_.size()) return {grpc::StatusCode::OUT_OF_RANGE, "ahead of the log"};
    while (!stopping_ && !context->IsCancelled()) {
      if (cursor < events_.size()) {
        det::WatchTokensResponse response;
        for (; cursor < events_.size(); ++cursor) *response.add_events() = events_[cursor];
        response.set_cursor(cursor);
        if (!writer->Write(response)) break;
      }
      changed_.WaitFor(mutex_, absl::Milliseconds(50));
    }
    return grpc::Status::OK;
  }

  std::map<TokenRef, det::Resolution> named() {
    common::MutexLock lock(mutex_);
    return named_;
  }
  std::vector<absl::Duration> waited() {
    common::MutexLock lock(mutex_);
    return waited_;
  }
  int returned() {
    common::MutexLock lock(mutex_);
    return returned_;
  }
  void FailCompletions(int times) {
    common::MutexLock lock(mutex_);
    failures_ = times;
  }

 private:
  struct Pending {
    absl::Time since;
    absl::Time not_before;
  };
  common::Mutex mutex_;
  common::CondVar changed_;
  std::map<TokenRef, Pending> pending_ TW_GUARDED_BY(mutex_);
  std::map<TokenRef, det::Resolution> named_ TW_GUARDED_BY(mutex_);
  std::vector<absl::Duration> waited_ TW_GUARDED_BY(mutex_);
  std::vector<det::TokenEvent> events_ TW_GUARDED_BY(mutex_);
  int claims_ TW_GUARDED_BY(mutex_) = 0;
  int returned_ TW_GUARDED_BY(mutex_) = 0;
  int failures_ TW_GUARDED_BY(mutex_) = 0;
  bool stopping_ TW_GUARDED_BY(mutex_) = false;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

// One replica.
class Replica {
 public:
  explicit Replica(const Config& config) : config_(config) {
    store_ =
        PgStore::Open({.dsn = config_.dsn}, absl::Now() + absl::Seconds(20), common::PostgresObserver::None(), clock_)
            .value();
    http_ = MakeHttpClient(config_, clock_);
    sources_ = MakeSources(config_, *http_, clock_);
    cascade_ = std::make_unique<Cascade>(config_.Cascade(), Pointers(sources_), KnownTokens::BuiltIn(), clock_,
                                         common::SeededRandom(1), cascade_metrics_);
    detector_ = std::make_unique<DetectorClient>(common::MakeChannel({.target = config_.detector}));
    loops_ = std::make_unique<Loops>(LoopContext{config_, *store_, *detector_, *cascade_, KnownTokens::BuiltIn(),
                                                 clock_, work_metrics_, detector_condition_, database_condition_});
    service_ = std::make_unique<ResolverServiceImpl>(*store_, *cascade_, loops_->claims(), executor_, config_,
                                                     work_metrics_, clock_);
    EXPECT_TRUE(loops_->Start(absl::Now() + absl::Seconds(10)).ok());
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    builder.RegisterService(service_.get());
    server_ = builder.BuildAndStart();
    stub_ = v1::ResolverService::NewStub(
        grpc::CreateChannel(absl::StrCat("127.0.0.1:", port), grpc::InsecureChannelCredentials()));
  }
  ~Replica() {
    loops_->Stop();
    http_->Shutdown();
    server_->Shutdown(std::chrono::system_clock::now() + std::chrono::seconds(5));
    executor_.Stop();
  }

  v1::ResolverService::Stub& stub() { return *stub_; }
  Store& store() { return *store_; }
  Cascade& cascade() { return *cascade_; }
  WorkMetrics& metrics() { return work_metrics_; }

 private:
  const Config config_;
  common::SystemClock clock_;
  common::MetricRegistry registry_;
  common::Readiness readiness_;
  common::Readiness::Condition detector_condition_ = readiness_.Add("detector", "not asked yet");
  common::Readiness::Condition database_condition_ = readiness_.Add("database", "not asked yet");
  CascadeMetrics cascade_metrics_{registry_, config_.sources};
  WorkMetrics work_metrics_{registry_};
  common::Executor executor_{{.name = "rpc", .threads = 4, .queue_capacity = 64}};
  std::unique_ptr<PgStore> store_;
  std::unique_ptr<common::HttpClient> http_;
  std::vector<std::unique_ptr<Source>> sources_;
  std::unique_ptr<Cascade> cascade_;
  std::unique_ptr<DetectorClient> detector_;
  std::unique_ptr<Loops> loops_;
  std::unique_ptr<ResolverServiceImpl> service_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<v1::ResolverService::Stub> stub_;
};

class ServiceTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    auto cluster = common::PgCluster::Start({.fsync = false});
    ASSERT_TRUE(cluster.ok()) << cluster.status();
    cluster_ = cluster->release();
  }
  static void TearDownTestSuite() {
    delete cluster_;
    cluster_ = nullptr;
  }
  void SetUp() override {
    static int number = 0;
    const std::string database = absl::StrCat("platform", ++number);
    ASSERT_TRUE(cluster_->CreateDatabase(database).ok());
    ASSERT_TRUE(cluster_->CreateRole("resolver", database).ok());
    config_.dsn = cluster_->Dsn(database, "resolver");
    config_.detector = detector_.address();
    config_.claimant = "test-a";
    config_.solana_rpc_url = rpc_.Url();
    config_.dexscreener_url = dex_.Url();
    config_.poll_interval = absl::Milliseconds(100);
    rpc_.SetDelay(absl::Milliseconds(50));
    dex_.SetDelay(absl::Milliseconds(50));
  }

  void OnDexScreener(const TokenRef& token, const std::string& name, const std::string& symbol = "SYM") {
    fakes::FakePair pair;
    pair.pair_address = "pair";
    pair.base = {std::string(token.address.text()), name, symbol};
    dex_.AddPair("solana", pair);
  }
  static tokenwatch::common::v1::TokenRef Ref(const TokenRef& token) { return FromTokenRef(token); }

  static common::PgCluster* cluster_;
  FakeDetector detector_;
  fakes::FakeSolanaRpc rpc_;
  fakes::FakeDexScreener dex_;
  Config config_;
};
common::PgCluster* ServiceTest::cluster_ = nullptr;

TEST_F(ServiceTest, NamesAThousandPendingTokensWithinTheBudget) {
  for (uint32_t i = 0; i < 1000; ++i) {
    OnDexScreener(Token(i), absl::StrCat("Name ", i));
    detector_.Launch(Token(i));
  }
  Replica replica(config_);
  ASSERT_TRUE(common::WaitFor([&] { return detector_.named().size() == 1000; }, absl::Seconds(30)));
  EXPECT_LE(dex_.calls(), 34);
  EXPECT_EQ(dex_.over_limit(), 0);
  EXPECT_EQ(detector_.named()[Token(7)].name(), "Name 7");
  EXPECT_EQ(detector_.named()[Token(7)].source(), "dexscreener");
}

TEST_F(ServiceTest, ATokenIsNamedSoonAfterItAppears) {
  config_.poll_interval = absl::Seconds(60);  // events alone
  Replica replica(config_);
  for (uint32_t i = 0; i < 40; ++i) {
    OnDexScreener(Token(i), absl::StrCat("Name ", i));
    detector_.Launch(Token(i));
    ASSERT_TRUE(common::WaitFor([&] { return detector_.named().size() == i + 1; }));
  }
  std::vector<absl::Duration> waited = detector_.waited();
  std::sort(waited.begin(), waited.end());
  RecordProperty("p50_ms", static_cast<int>(absl::ToInt64Milliseconds(waited[20])));
  RecordProperty("p95_ms", static_cast<int>(absl::ToInt64Milliseconds(waited[38])));
  std::cout << "launch to named over two sources of 50 ms: p50 " << waited[20] << ", p95 " << waited[38] << "\n";
  EXPECT_LE(waited[38], absl::Seconds(1));
}

TEST_F(ServiceTest, TwoReplicasShareTheWorkAndAskOnce) {
  for (uint32_t i = 0; i < 300; ++i) {
    OnDexScreener(Token(i), "Name");
    detector_.Launch(Token(i));
  }
  config_.capacity = 100;
  Config other = config_;
  other.claimant = "test-b";
  Replica a(config_);
  Replica b(other);
  ASSERT_TRUE(common::WaitFor([&] { return detector_.named().size() == 300; }, absl::Seconds(30)));
  EXPECT_EQ(dex_.addresses_asked(), 300);
}

TEST_F(ServiceTest, NamesGivenAtLaunchAreExamined) {
  detector_.Launch(Token(1), "USD\u0421oin", "USDC");
  detector_.Launch(Token(2), "Slow Turtle", "TURTLE");
  Replica replica(config_);
  ASSERT_TRUE(common::WaitFor([&] { return *replica.store().LoadCursor(absl::Now() + absl::Seconds(5)) == 2; }));
  grpc::ClientContext context;
  v1::GetResolutionRequest request;
  *request.mutable_token() = Ref(Token(1));
  v1::GetResolutionResponse response;
  ASSERT_TRUE(replica.stub().GetResolution(&context, request, &response).ok());
  EXPECT_EQ(response.resolution().name().source(), "launch");
  EXPECT_EQ(response.resolution().imitates().address(), "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v");
  grpc::ClientContext other_context;
  *request.mutable_token() = Ref(Token(2));
  ASSERT_TRUE(replica.stub().GetResolution(&other_context, request, &response).ok());
  EXPECT_FALSE(response.resolution().has_imitates());
}

TEST_F(ServiceTest, AnUnacknowledgedNameIsReportedAgain) {
  detector_.FailCompletions(1);
  OnDexScreener(Token(1), "Name");
  detector_.Launch(Token(1));
  Replica replica(config_);
  EXPECT_TRUE(common::WaitFor([&] { return detector_.named().size() == 1; }));
}

TEST_F(ServiceTest, AStoppedReplicaGivesItsClaimsBackAndTheNextFinishes) {
  rpc_.SetDelay(absl::Seconds(1));
  config_.lease = absl::Minutes(5);
  OnDexScreener(Token(1), "Name");
  {
    Replica first(config_);
    detector_.Launch(Token(1));
    ASSERT_TRUE(common::WaitFor([&] { return first.cascade().Contains(Token(1)); }));
  }
  EXPECT_EQ(detector_.returned(), 1);
  rpc_.SetDelay(absl::ZeroDuration());
  config_.claimant = "test-b";
  Replica second(config_);
  EXPECT_TRUE(common::WaitFor([&] { return detector_.named().size() == 1; }, absl::Seconds(20)));
}

TEST_F(ServiceTest, ResolveAnswersAndKeepsTheHistory) {
  config_.max_attempts = 1;
  OnDexScreener(Token(1), "Name", "NAME");
  Replica replica(config_);
  const auto resolve = [&](const TokenRef& token, v1::ResolveResponse& response) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(10));
    v1::ResolveRequest request;
    *request.mutable_token() = Ref(token);
    return common::FromGrpc(replica.stub().Resolve(&context, request, &response));
  };
  v1::ResolveResponse response;
  ASSERT_TRUE(resolve(Token(1), response).ok());
  EXPECT_EQ(response.resolution().name().value(), "Name");
  EXPECT_EQ(response.resolution().state(), v1::RESOLUTION_STATE_RESOLVED);
  const int calls = dex_.calls();
  ASSERT_TRUE(resolve(Token(1), response).ok());
  EXPECT_EQ(dex_.calls(), calls) << "what is known is not asked for again";

  const absl::Status unknown = resolve(Token(2), response);
  EXPECT_TRUE(absl::IsNotFound(unknown)) << unknown;
  EXPECT_THAT(std::string(unknown.message()), HasSubstr("dexscreener: not_found"));
  dex_.server().Inject("/", {.status = 503}, 100);
  EXPECT_TRUE(absl::IsUnavailable(resolve(Token(3), response)));

  grpc::ClientContext get_context;
  v1::GetResolutionRequest get;
  *get.mutable_token() = Ref(Token(2));
  v1::GetResolutionResponse got;
  ASSERT_TRUE(replica.stub().GetResolution(&get_context, get, &got).ok());
  EXPECT_EQ(got.attempts_size(), 2);
  EXPECT_EQ(got.resolution().state(), v1::RESOLUTION_STATE_DEAD_LETTER);

  grpc::ClientContext list_context;
  v1::ListUnresolvedResponse listed;
  v1::ListUnresolvedRequest list;
  list.set_state(v1::RESOLUTION_STATE_DEAD_LETTER);
  ASSERT_TRUE(replica.stub().ListUnresolved(&list_context, list, &listed).ok());
  EXPECT_EQ(listed.resolutions_size(), 2);

  OnDexScreener(Token(2), "Found At Last");
  dex_.server().Inject("/", {.status = 503}, 0);
  grpc::ClientContext retry_context;
  v1::RetryResolutionRequest retry;
  *retry.mutable_token() = Ref(Token(2));
  retry.set_request_id("r1");
  v1::RetryResolutionResponse retried;
  ASSERT_TRUE(replica.stub().RetryResolution(&retry_context, retry, &retried).ok());
  EXPECT_EQ(retried.retried(), 1);

  grpc::ClientContext status_context;
  v1::GetStatusResponse status;
  ASSERT_TRUE(replica.stub().GetStatus(&status_context, {}, &status).ok());
  EXPECT_EQ(status.sources_size(), 3);
  EXPECT_EQ(status.resolved(), 1);
  EXPECT_EQ(status.sources(2).source(), "dexscreener");
  EXPECT_EQ(status.sources(2).budget_limit(), 60);
}

TEST_F(ServiceTest, BatchResolveStandsForEachToken) {
  OnDexScreener(Token(1), "One");
  OnDexScreener(Token(3), "Three");
  Replica replica(config_);
  grpc::ClientContext context;
  v1::BatchResolveRequest request;
  for (const uint32_t number : {1u, 2u, 3u, 1u}) *request.add_tokens() = Ref(Token(number));
  v1::BatchResolveResponse response;
  const grpc::Status status = replica.stub().BatchResolve(&context, request, &response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  ASSERT_EQ(response.resolutions_size(), 4);
  EXPECT_EQ(response.resolutions(0).name().value(), "One");
  EXPECT_EQ(response.resolutions(1).state(), v1::RESOLUTION_STATE_PENDING);
  EXPECT_EQ(response.resolutions(2).name().value(), "Three");
  EXPECT_EQ(response.resolutions(3).name().value(), "One");
}

TEST_F(ServiceTest, RefusesWhatIsWrongAndNamesTheField) {
  Replica replica(config_);
  grpc::ClientContext context;
  v1::ResolveRequest request;
  request.mutable_token()->set_chain("solana");
  request.mutable_token()->set_address("not base58!");
  v1::ResolveResponse response;
  const grpc::Status status = replica.stub().Resolve(&context, request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), StartsWith("token.address: "));

  grpc::ClientContext bad_entry_context;
  v1::BatchResolveRequest bad_entry;
  *bad_entry.add_tokens() = request.token();
  v1::BatchResolveResponse resolved;
  const grpc::Status refused = replica.stub().BatchResolve(&bad_entry_context, bad_entry, &resolved);
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(refused.error_message(), StartsWith("tokens[0].address: \"not base58!\""));

  grpc::ClientContext list_context;
  v1::ListUnresolvedRequest list;
  list.set_page_token("zzz");
  v1::ListUnresolvedResponse listed;
  EXPECT_EQ(replica.stub().ListUnresolved(&list_context, list, &listed).error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);
  grpc::ClientContext batch_context;
  v1::BatchResolveResponse batched;
  EXPECT_EQ(replica.stub().BatchResolve(&batch_context, {}, &batched).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

}  // namespace
}  // namespace tokenwatch::resolver
