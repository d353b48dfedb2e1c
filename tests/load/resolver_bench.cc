// Detector and resolver as whole processes on a PostgreSQL of their own (durability on), with stand-ins for the public
// sources of names in this process: how soon a nameless token is named, what that costs the sources, memory.
#include <algorithm>
#include <cmath>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <boost/json.hpp>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "chain/address.h"
#include "common/sync/mutex.h"
#include "common/testing/temp_dir.h"
#include "grpcpp/grpcpp.h"
#include "tests/fakes/fake_dexscreener.h"
#include "tests/fakes/simulated_upstreams.h"
#include "tests/load/bench_platform.h"
#include "tests/load/bench_report.h"
#include "tokenwatch/detector/v1/detector.grpc.pb.h"

namespace tokenwatch::load {
namespace {

constexpr absl::Duration kUpstreamLatency = absl::Milliseconds(50);
// What one call of DexScreener takes.
constexpr int kDexScreenerBatch = 30;

class Resolver : public Service {
 public:
  // Budgets are out of the way: what is measured is the resolver, not the wait for a provider's next minute.
  Resolver(Platform& platform, const common::TempDir& dir, const Detector& detector, std::vector<std::string> flags)
      : Service("tokenwatch-resolver", dir, WithUsual(platform, detector, std::move(flags))) {}

  static std::vector<std::string> Sources(fakes::SimulatedUpstreams& upstreams) {
    return {absl::StrCat("--solana_rpc_url=http://127.0.0.1:", upstreams.solana_port(), "/"),
            absl::StrCat("--dexscreener_url=http://127.0.0.1:", upstreams.dexscreener_port()),
            absl::StrCat("--ipfs_gateway_url=http://127.0.0.1:", upstreams.ipfs_port(), "/ipfs/"),
            "--uri_allowed_addresses=127.0.0.1"};
  }

 private:
  static std::vector<std::string> WithUsual(Platform& platform, const Detector& detector,
                                            std::vector<std::string> flags) {
    for (const char* source : {"onchain", "uri", "dexscreener"}) {
      flags.push_back(absl::StrCat("--", source, "_budget_per_minute=100000"));
    }
    flags.push_back(absl::StrCat("--dsn=", platform.cluster().SocketDsn("platform", "resolver")));
    flags.push_back(absl::StrCat("--detector=", detector.address()));
    return flags;
  }
};

// Launches that came without a name, as PumpPortal tells some, and the truth about them.
struct Market {
  std::string recording;
  std::string truth;
};

Market MakeMarket(const common::TempDir& dir, int launches) {
  Market market{(dir.path() / "market.jsonl").string(), (dir.path() / "market.truth.json").string()};
  Simulate(dir.path() / "market.log",
           {"--seed=11", absl::StrCat("--launches=", launches), absl::StrCat("--trades=", launches),
            "--feeds=pumpportal", "--pumpportal_nameless_share=1", "--hostile_share=0",
            absl::StrCat("--truth=", market.truth), absl::StrCat("--out=", market.recording)});
  return market;
}

std::vector<std::string> MintsOf(const Market& market) {
  std::ifstream file(market.truth, std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  std::vector<std::string> mints;
  const boost::json::value document = boost::json::parse(text);
  for (const boost::json::value& token : document.at("tokens").as_array()) {
    mints.emplace_back(token.at("mint").as_string().c_str());
  }
  return mints;
}

void AddNameless(const std::string& mint, uint64_t serial, detector::v1::ReportTokensRequest* request) {
  request->set_feeder("bench");
  detector::v1::LaunchReport* launch = request->add_launches();
  launch->mutable_token()->set_chain("solana");
  launch->mutable_token()->set_address(mint);
  launch->set_venue("pump");
  launch->set_transaction(std::string(chain::TransactionId::FromSolanaBytes(UniqueBytes<64>(serial)).text()));
  launch->mutable_event_time()->set_seconds(1'783'000'000);
}

void ReportTo(Detector& detector, const detector::v1::ReportTokensRequest& request) {
  grpc::ClientContext context;
  detector::v1::ReportTokensResponse response;
  Must(detector.stub().ReportTokens(&context, request, &response));
}

void AwaitNamed(Platform& platform, int64_t count, absl::Duration limit) {
  const absl::Time end = absl::Now() + limit;
  while (platform.Count("SELECT count(*) FROM detector.detected_tokens") < count) {
    if (absl::Now() > end) Fail(absl::StrCat("not ", count, " tokens were named within ", absl::FormatDuration(limit)));
    absl::SleepFor(absl::Milliseconds(200));
  }
}

size_t KnownToSomebody(const fakes::SimulatedUpstreams& upstreams) {
  size_t known = 0;
  for (size_t keeper = 0; keeper < fakes::kNameKeepers; ++keeper) {
    if (keeper != static_cast<size_t>(fakes::NameKeeper::kNobody)) known += upstreams.tokens()[keeper];
  }
  return known;
}

// Launches at an even pace; each is timed from its report to the event that names it.
void MeasureLatency(const common::TempDir& dir) {
  constexpr int kTokens = 300;
  constexpr absl::Duration kPace = absl::Milliseconds(100);
  Platform platform;
  const Market market = MakeMarket(dir, kTokens);
  fakes::SimulatedUpstreams upstreams(kUpstreamLatency);
  Must(upstreams.Load(market.truth));
  Detector detector(platform.cluster(), dir, {});
  detector.AwaitLead();
  Resolver resolver(platform, dir, detector, Resolver::Sources(upstreams));

  common::Mutex mutex;
  absl::flat_hash_map<std::string, absl::Time> sent;
  std::vector<double> latencies_ms;
  grpc::ClientContext watch;
  std::thread watcher([&] {
    const auto stub = detector.NewStub();
    detector::v1::WatchTokensRequest request;
    request.mutable_filter()->add_kinds(detector::v1::TOKEN_EVENT_KIND_NAMED);
    const auto reader = stub->WatchTokens(&watch, request);
    detector::v1::WatchTokensResponse response;
    size_t seen = 0;
    while (seen < KnownToSomebody(upstreams) && reader->Read(&response)) {
      const absl::Time now = absl::Now();
      common::MutexLock lock(mutex);
      for (const auto& event : response.events()) {
        latencies_ms.push_back(absl::ToDoubleMilliseconds(now - sent.at(event.token().token().address())));
        ++seen;
      }
    }
    watch.TryCancel();
  });
  absl::Time next = absl::Now();
  uint64_t serial = 0;
  for (const std::string& mint : MintsOf(market)) {
    detector::v1::ReportTokensRequest request;
    AddNameless(mint, ++serial, &request);
    next += kPace;
    absl::SleepFor(next - absl::Now());
    {
      common::MutexLock lock(mutex);
      sent[mint] = absl::Now();
    }
    ReportTo(detector, request);
  }
  AwaitNamed(platform, static_cast<int64_t>(KnownToSomebody(upstreams)), absl::Minutes(1));
  watcher.join();
  const double upstream_ms = absl::ToDoubleMilliseconds(kUpstreamLatency);
  Report({"nameless token to named, sources of 50 ms, p50", Quantile(latencies_ms, 0.50), "ms", "<= 150",
          "one answer of a source", upstream_ms});
  Report({"nameless token to named, sources of 50 ms, p95", Quantile(latencies_ms, 0.95), "ms", "<= 1000",
          "one answer of a source", upstream_ms});
  resolver.Stop();
  detector.Stop();
}

void MeasureCalls(const common::TempDir& dir) {
  constexpr int kTokens = 1000;
  Platform platform;
  fakes::FakeDexScreener dexscreener;
  dexscreener.SetDelay(kUpstreamLatency);
  Detector detector(platform.cluster(), dir, {});
  detector.AwaitLead();
  detector::v1::ReportTokensRequest request;
  for (uint64_t i = 1; i <= kTokens; ++i) {
    const std::string mint(chain::Address::FromSolanaBytes(UniqueBytes<32>(i)).text());
    dexscreener.AddPair("solana", {.base = {mint, absl::StrCat("Name ", i), absl::StrCat("N", i)}});
    AddNameless(mint, i, &request);
  }
  ReportTo(detector, request);
  const absl::Time begin = absl::Now();
  Resolver resolver(platform, dir, detector,
                    {"--sources=dexscreener", absl::StrCat("--dexscreener_url=", dexscreener.Url())});
  AwaitNamed(platform, kTokens, absl::Minutes(1));
  const double seconds = absl::ToDoubleSeconds(absl::Now() - begin);
  Report({"DexScreener calls for 1,000 pending tokens", static_cast<double>(dexscreener.calls()), "calls", "<= 34",
          "full batches", std::ceil(static_cast<double>(kTokens) / kDexScreenerBatch)});
  Report({"start of the resolver to 1,000 pending tokens named", seconds, "s"});
  resolver.Stop();
  detector.Stop();
}

void MeasureMemory(const common::TempDir& dir) {
  constexpr int kTokens = 50'000;
  Platform platform;
  const Market market = MakeMarket(dir, kTokens);
  fakes::SimulatedUpstreams upstreams(kUpstreamLatency);
  Must(upstreams.Load(market.truth));
  const absl::Time begin = absl::Now();
  Detector detector(platform.cluster(), dir, {"--feeds=recording", absl::StrCat("--recording=", market.recording)});
  Resolver resolver(platform, dir, detector, Resolver::Sources(upstreams));
  const size_t known = KnownToSomebody(upstreams);
  AwaitNamed(platform, static_cast<int64_t>(known), absl::Minutes(10));
  const double seconds = absl::ToDoubleSeconds(absl::Now() - begin);
  Report({"tokens followed and named, 50,000 at once", static_cast<double>(known) / seconds, "tokens/s"});
  Report({"resolver: resident after 50,000 tokens", MemoryMb(resolver.pid(), "VmRSS:"), "MB", "<= 70"});
  Report({"resolver: resident at the peak of that", MemoryMb(resolver.pid(), "VmHWM:"), "MB", "<= 70"});
  Report({"detector: resident after naming 50,000 tokens", MemoryMb(detector.pid(), "VmRSS:"), "MB", "<= 70"});
  resolver.Stop();
  detector.Stop();
}

// All parts, or those named: latency, calls, memory.
int Main(const std::vector<std::string>& names) {
  const auto wanted = [&](const std::string& part) {
    return names.empty() || std::find(names.begin(), names.end(), part) != names.end();
  };
  const common::TempDir dir;
  if (wanted("latency")) MeasureLatency(dir);
  if (wanted("calls")) MeasureCalls(dir);
  if (wanted("memory")) MeasureMemory(dir);
  return 0;
}

}  // namespace
}  // namespace tokenwatch::load

int main(int argc, char** argv) { return tokenwatch::load::Main({argv + 1, argv + argc}); }
