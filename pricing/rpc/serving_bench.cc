// What serving costs: batches, single prices, streams with a reader that does not read; server and clients share the
// machine, in one process. Beside batches, MGET of as many keys from a redis-server where there is one.
//   TOKENWATCH_BENCH_SECONDS  seconds of each part (3)
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <arpa/inet.h>
#include <google/protobuf/arena.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/metrics/registry.h"
#include "common/testing/child_process.h"
#include "common/testing/temp_dir.h"
#include "common/testing/wait_for.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/grpcpp.h"
#include "pricing/rpc/convert.h"
#include "pricing/rpc/price_wire.h"
#include "pricing/rpc/service.h"
#include "pricing/testing/world.h"
#include "tests/load/bench_report.h"

namespace tokenwatch::pricing {
namespace {

using load::Report;

constexpr uint64_t kTokens = 50'000;
constexpr int kBatch = 500;

absl::Duration PartLength() {
  int64_t seconds = 3;
  const char* text = std::getenv("TOKENWATCH_BENCH_SECONDS");
  if (text != nullptr && !absl::SimpleAtoi(text, &seconds)) std::exit(64);
  return absl::Seconds(seconds);
}

double Percentile(std::vector<double>& values, double share) {
  if (values.empty()) return 0;
  const auto place = values.begin() + static_cast<std::ptrdiff_t>(share * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), place, values.end());
  return *place;
}

// The service as main wires it, over the fakes of the tests; prices come from the real fold.
class Server {
 public:
  Server() {
    world.SetListener(&hub_);
    world.AddReference(absl::ZeroDuration(), "143.25");
    for (uint64_t token = 0; token < kTokens; ++token) {
      world.Add(TestToken(token), absl::Seconds(1), 30'000'000'000 + token, 1'073'000'000'000'000 - token);
    }
    world.Fold();
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    builder.RegisterService(&service_);
    server_ = builder.BuildAndStart();
    address_ = absl::StrCat("127.0.0.1:", port);
  }
  ~Server() {
    price_streams_.EndAll(absl::UnavailableError("done"));
    server_->Shutdown(std::chrono::system_clock::now() + std::chrono::seconds(5));
    calls_.Stop();
    streams_.Stop();
    world.SetListener(nullptr);
  }
  // A connection of its own.
  std::shared_ptr<grpc::Channel> Connect() const {
    static std::atomic<int> number = 0;
    grpc::ChannelArguments arguments;
    arguments.SetInt("bench.channel", ++number);
    arguments.SetMaxReceiveMessageSize(-1);
    return grpc::CreateCustomChannel(address_, grpc::InsecureChannelCredentials(), arguments);
  }
  PriceHub& hub() { return hub_; }

  World world;

 private:
  common::MetricRegistry registry_;
  ServingMetrics metrics_{registry_};
  common::Executor calls_{{.name = "calls", .threads = 4, .queue_capacity = 2000}};
  common::Executor streams_{{.name = "streams", .threads = 2, .queue_capacity = 2000}};
  common::StreamSet price_streams_{{.max_streams = 2000}};
  common::StreamSet request_streams_{{.max_streams = 10}};
  PriceHub hub_{{}, world.hot, world.view, world.clock};
  RequestHub requests_{{}, world.store, world.clock};
  PricingServiceImpl service_{{.hot = world.hot,
                               .view = world.view,
                               .references = world.references,
                               .store = world.store,
                               .detector = world.log,
                               .oracle = world.oracle,
                               .hub = hub_,
                               .requests = requests_,
                               .state = world,
                               .parked = [this](const SeriesKey& key) { return world.Parked(key); },
                               .set_watched = [](const chain::TokenRef&, bool) {},
                               .metrics = metrics_,
                               .calls = calls_,
                               .streams = streams_,
                               .price_streams = price_streams_,
                               .request_streams = request_streams_,
                               .clock = world.clock}};
  std::unique_ptr<grpc::Server> server_;
  std::string address_;
};

// Prices a second to one client that has two calls under way. `parse` makes generated messages of the answers.
double BatchRate(const Server& server, bool parse) {
  const auto channel = server.Connect();
  std::vector<v1::BatchGetPricesRequest> requests(64);
  uint64_t token = 0;
  for (auto& request : requests) {
    for (int i = 0; i < kBatch; ++i) ToProto(TestToken((token += 7919) % kTokens), request.add_tokens());
  }
  std::atomic<uint64_t> prices = 0;
  std::atomic<bool> failed = false;
  const absl::Time began = absl::Now();
  const absl::Time end = began + PartLength();
  std::vector<std::thread> threads;
  for (size_t thread = 0; thread < 2; ++thread) {
    threads.emplace_back([&, thread] {
      const auto stub = v1::PricingService::NewStub(channel);
      grpc::GenericStub generic(channel);
      for (size_t i = thread; absl::Now() < end; i += 2) {
        const v1::BatchGetPricesRequest& request = requests[i % requests.size()];
        grpc::ClientContext context;
        if (parse) {
          google::protobuf::Arena arena;
          auto* response = google::protobuf::Arena::CreateMessage<v1::BatchGetPricesResponse>(&arena);
          if (!stub->BatchGetPrices(&context, request, response).ok()) failed = true;
          prices += static_cast<uint64_t>(response->prices_size());
          continue;
        }
        grpc::CompletionQueue queue;
        const grpc::ByteBuffer bytes = ToByteBuffer(request.SerializeAsString());
        auto call =
            generic.PrepareUnaryCall(&context, "/tokenwatch.pricing.v1.PricingService/BatchGetPrices", bytes, &queue);
        call->StartCall();
        grpc::ByteBuffer answer;
        grpc::Status status;
        call->Finish(&answer, &status, nullptr);
        void* tag = nullptr;
        bool ok = false;
        queue.Next(&tag, &ok);
        // Every token has a price, and none is short.
        if (!status.ok() || answer.Length() < kBatch * 300) failed = true;
        prices += kBatch;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  if (failed) std::fprintf(stderr, "serving_bench: a batch failed\n");
  return failed ? 0 : static_cast<double>(prices) / absl::ToDoubleSeconds(absl::Now() - began);
}

// Values a second of MGET with as many keys, from a redis-server on this machine, to one client. 0 without one.
double RedisRate() {
  const common::TempDir folder;
  // A free port, which redis cannot choose itself.
  const int probe = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (::bind(probe, reinterpret_cast<sockaddr*>(&address), size) != 0) return 0;
  ::getsockname(probe, reinterpret_cast<sockaddr*>(&address), &size);
  ::close(probe);
  common::ChildProcess::Options options;
  options.command = {
      "redis-server", "--port", absl::StrCat(ntohs(address.sin_port)), "--bind", "127.0.0.1", "--save", "",
      "--appendonly", "no"};
  options.directory = folder.path();
  auto redis = common::ChildProcess::Start(options);
  if (!redis.ok()) return 0;
  const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
  const bool connected = common::WaitFor([&] {
    return ::connect(socket, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 || !(*redis)->running();
  });
  if (!connected || !(*redis)->running()) return 0;
  const int on = 1;
  ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  const auto send_all = [&](const std::string& text) {
    for (size_t sent = 0; sent < text.size();) {
      const ssize_t n = ::send(socket, text.data() + sent, text.size() - sent, 0);
      if (n <= 0) return false;
      sent += static_cast<size_t>(n);
    }
    return true;
  };
  std::string buffer(4 << 20, '\0');
  const auto receive = [&](size_t expected) {
    for (size_t got = 0; got < expected;) {
      const ssize_t n = ::recv(socket, buffer.data(), buffer.size(), 0);
      if (n <= 0) return false;
      got += static_cast<size_t>(n);
    }
    return true;
  };
  // As large a value as a price of ours.
  std::string value(400, 'x');
  const auto bulk = [](const std::string& text) { return absl::StrCat("$", text.size(), "\r\n", text, "\r\n"); };
  const auto key = [](uint64_t token) { return absl::StrCat("price:", TestToken(token).address.text()); };
  for (uint64_t token = 0; token < kTokens; ++token) {
    if (!send_all(absl::StrCat("*3\r\n", bulk("SET"), bulk(key(token)), bulk(value))) || !receive(5)) return 0;
  }
  std::vector<std::string> commands(64);
  uint64_t token = 0;
  for (std::string& command : commands) {
    command = absl::StrCat("*", kBatch + 1, "\r\n", bulk("MGET"));
    for (int i = 0; i < kBatch; ++i) command += bulk(key((token += 7919) % kTokens));
  }
  const size_t answer = 6 + kBatch * bulk(value).size();
  uint64_t values = 0;
  const absl::Time began = absl::Now();
  // Two under way, as above.
  if (!send_all(commands[0])) return 0;
  for (size_t i = 1; absl::Now() < began + PartLength(); ++i) {
    if (!send_all(commands[i % commands.size()]) || !receive(answer)) return 0;
    values += kBatch;
  }
  ::close(socket);
  return static_cast<double>(values) / absl::ToDoubleSeconds(absl::Now() - began);
}

// Milliseconds of GetPrice at a steady rate, from when each call was due; the fold works meanwhile.
std::vector<double> SingleLatencies(Server& server, int per_second) {
  const auto stub = v1::PricingService::NewStub(server.Connect());
  struct Call {
    grpc::ClientContext context;
    v1::GetPriceRequest request;
    v1::GetPriceResponse response;
    absl::Time due;
  };
  const auto count = static_cast<size_t>(per_second * absl::ToDoubleSeconds(PartLength()));
  std::vector<double> latencies(count);
  std::vector<std::unique_ptr<Call>> calls(count);
  std::atomic<size_t> done = 0;
  std::atomic<bool> stop = false;
  std::thread folding([&] {
    for (uint64_t i = 0; !stop; ++i) {
      for (uint64_t k = 0; k < 100; ++k) {
        server.world.Add(TestToken((i * 100 + k) % kTokens), absl::Seconds(2), 31'000'000'000 + i, 1'000'000'000'000);
      }
      server.world.Fold();
      absl::SleepFor(absl::Milliseconds(10));
    }
  });
  const absl::Time began = absl::Now() + absl::Milliseconds(50);
  for (size_t i = 0; i < count; ++i) {
    calls[i] = std::make_unique<Call>();
    ToProto(TestToken(i * 7919 % kTokens), calls[i]->request.mutable_token());
    calls[i]->due = began + absl::Seconds(static_cast<double>(i) / per_second);
    while (absl::Now() < calls[i]->due) absl::SleepFor(std::min(absl::Microseconds(100), calls[i]->due - absl::Now()));
    Call* call = calls[i].get();
    stub->async()->GetPrice(&call->context, &call->request, &call->response, [&, i, call](const grpc::Status& status) {
      latencies[i] = status.ok() ? absl::ToDoubleMilliseconds(absl::Now() - call->due) : 1e9;
      ++done;
    });
  }
  common::WaitFor([&] { return done == count; });
  stop = true;
  folding.join();
  return latencies;
}

// A stream of a few tokens. Notes how long after the fold began with its trade each price came.
class Reader final : public grpc::ClientReadReactor<v1::StreamPricesResponse> {
 public:
  // `folded_at`: nanoseconds by cursor.
  Reader(const std::shared_ptr<grpc::Channel>& channel, v1::StreamPricesRequest request, bool reads,
         const std::vector<std::atomic<int64_t>>& folded_at)
      : stub_(v1::PricingService::NewStub(channel)),
        request_(std::move(request)),
        reads_(reads),
        folded_at_(folded_at) {}

  void Start() {
    stub_->async()->StreamPrices(&context_, &request_, this);
    // One who never reads still holds the call open.
    if (reads_) StartRead(&response_);
    if (!reads_) AddHold();
    StartCall();
  }
  void Cancel() {
    context_.TryCancel();
    if (!reads_) RemoveHold();
  }
  bool done() const { return done_; }
  const std::vector<double>& latencies_ms() const { return latencies_ms_; }

  void OnReadDone(bool ok) override {
    if (!ok) return;
    const int64_t now = absl::GetCurrentTimeNanos();
    for (const v1::Price& price : response_.prices()) {
      const int64_t folded = folded_at_[price.cursor() % folded_at_.size()].load(std::memory_order_relaxed);
      if (folded > 0) latencies_ms_.push_back(static_cast<double>(now - folded) / 1e6);
    }
    StartRead(&response_);
  }
  void OnDone(const grpc::Status&) override { done_ = true; }

 private:
  const std::unique_ptr<v1::PricingService::Stub> stub_;
  const v1::StreamPricesRequest request_;
  const bool reads_;
  const std::vector<std::atomic<int64_t>>& folded_at_;
  grpc::ClientContext context_;
  v1::StreamPricesResponse response_;
  std::atomic<bool> done_ = false;
  std::vector<double> latencies_ms_;
};

struct StreamFigures {
  double p50_ms = 0;
  double p99_ms = 0;
  double prices_per_second = 0;
  double folded_per_second = 0;
};

// `changes` prices a second of 1,000 tokens to 1,000 streams of `each` of them; with `lazy`, one never reads.
StreamFigures StreamLatencies(Server& server, int streams, int each, int changes, bool lazy) {
  constexpr uint64_t kStreamed = 1'000;
  std::vector<std::atomic<int64_t>> folded_at(1 << 20);
  std::vector<std::shared_ptr<grpc::Channel>> channels;
  for (int i = 0; i < 20; ++i) channels.push_back(server.Connect());
  std::vector<std::unique_ptr<Reader>> readers;
  for (int i = 0; i < streams; ++i) {
    v1::StreamPricesRequest request;
    for (int k = 0; k < each; ++k) {
      ToProto(TestToken(static_cast<uint64_t>(i * 31 + k * 97) % kStreamed), request.add_tokens());
    }
    // The one who does not read has a connection of its own: on a shared one gRPC's flow control would stop the others.
    const bool reads = !lazy || i > 0;
    readers.push_back(
        std::make_unique<Reader>(reads ? channels[static_cast<size_t>(i) % channels.size()] : server.Connect(),
                                 std::move(request), reads, folded_at));
    readers.back()->Start();
  }
  if (!common::WaitFor([&] { return server.hub().counts().streams == readers.size(); })) std::exit(1);
  const absl::Time began = absl::Now();
  const absl::Time end = began + PartLength();
  uint64_t folded = 0;
  // A batch every two milliseconds, as the detector's stream gives them.
  const auto batch = static_cast<uint64_t>(std::max(1, changes / 500));
  for (absl::Time due = began; due < end; due += absl::Milliseconds(2)) {
    const absl::Duration early = due - absl::Now();
    if (early > absl::ZeroDuration()) absl::SleepFor(early);
    const int64_t now = absl::GetCurrentTimeNanos();
    for (uint64_t k = 0; k < batch; ++k, ++folded) {
      const Trade trade = server.world.Add(TestToken(folded * 7919 % kStreamed), absl::Seconds(3),
                                           30'000'000'000 + folded, 1'000'000'000'000);
      folded_at[trade.cursor % folded_at.size()].store(now, std::memory_order_relaxed);
    }
    server.world.Fold();
  }
  const double seconds = absl::ToDoubleSeconds(absl::Now() - began);
  // What is under way arrives.
  absl::SleepFor(absl::Milliseconds(200));
  for (const auto& reader : readers) reader->Cancel();
  if (!common::WaitFor(
          [&] { return std::all_of(readers.begin(), readers.end(), [](const auto& r) { return r->done(); }); })) {
    std::exit(1);
  }
  std::vector<double> all;
  for (const auto& reader : readers)
    all.insert(all.end(), reader->latencies_ms().begin(), reader->latencies_ms().end());
  common::WaitFor([&] { return server.hub().counts().streams == 0; });
  return {Percentile(all, 0.5), Percentile(all, 0.99), static_cast<double>(all.size()) / seconds,
          static_cast<double>(folded) / seconds};
}

int Main() {
  Server server;
  const double redis = RedisRate();
  if (redis == 0) std::fprintf(stderr, "serving_bench: no redis-server to compare with: install redis-server\n");
  const char* const baseline = redis > 0 ? "MGET of 500 keys from redis-server" : "";
  BatchRate(server, false);
  Report({"batches of 500 prices to one client", BatchRate(server, false), "prices/s", ">= 1000000", baseline, redis});
  Report({"batches of 500 prices to one client that parses them", BatchRate(server, true), "prices/s", "", baseline,
          redis});

  std::vector<double> single = SingleLatencies(server, 5'000);
  Report({"GetPrice at 5,000 calls/s, p50", Percentile(single, 0.5), "ms", ""});
  Report({"GetPrice at 5,000 calls/s, p99", Percentile(single, 0.99), "ms", "<= 2"});

  const StreamFigures all_read = StreamLatencies(server, 1'000, 5, 2'000, false);
  const StreamFigures one_lazy = StreamLatencies(server, 1'000, 5, 2'000, true);
  Report({"1,000 streams, one never reading: the others' prices, p50", one_lazy.p50_ms, "ms", "", "all reading",
          all_read.p50_ms});
  Report({"1,000 streams, one never reading: the others' prices, p99", one_lazy.p99_ms, "ms", "<= 20", "all reading",
          all_read.p99_ms});
  Report({"prices sent to the 1,000 streams", one_lazy.prices_per_second, "prices/s", ""});
  const StreamFigures busy = StreamLatencies(server, 1'000, 50, 5'000, true);
  Report({"1,000 streams of 50 tokens, p99 of prices", busy.p99_ms, "ms", ""});
  Report({"prices sent to the 1,000 streams of 50 tokens", busy.prices_per_second, "prices/s", ""});
  Report({"trades folded meanwhile", busy.folded_per_second, "trades/s", ">= 4500"});
  return 0;
}

}  // namespace
}  // namespace tokenwatch::pricing

int main() { return tokenwatch::pricing::Main(); }
