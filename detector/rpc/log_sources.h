// The two logs as sources of streams: history from the database, then live from memory.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "common/rpc/pull_stream.h"
#include "detector/log/log_tail.h"
#include "detector/store.h"
#include "grpcpp/support/byte_buffer.h"
#include "tokenwatch/detector/v1/detector.pb.h"

namespace tokenwatch::detector {

struct TailPosition {
  uint64_t after = 0;
  bool until_head = false;
  // Where the stream ends, reached or not; with until_head the nearer one.
  std::optional<uint64_t> until = std::nullopt;
};

// Batches of trades, in wire form (see trade_wire.h). `tail` and `store` outlive it.
class TradeSource final : public common::PullSource<grpc::ByteBuffer> {
 public:
  TradeSource(TailPosition position, TradeFilter filter, LogTail<Trade>& tail, Store& store);

  common::Pull Next(grpc::ByteBuffer* response, absl::Status* status) override;
  void Arm(std::function<void()> wake) override;
  void Disarm() override;
  std::string Resume() const override;

 private:
  // OUT_OF_RANGE when retention has dropped what comes after the position.
  absl::Status CheckKept();
  // Adds what the log has after cursor_ to wire_.
  absl::Status Fill();

  const TradeFilter filter_;
  LogTail<Trade>& tail_;
  Store& store_;
  uint64_t cursor_;
  // Where the stream ends.
  const std::optional<uint64_t> end_;
  bool checked_ = false;
  // The message being made.
  std::unique_ptr<std::string> wire_;
  AmountTexts texts_;
  int trades_ = 0;
  uint64_t waiter_ = 0;
};

// Token events.
class TokenEventSource final : public common::PullSource<v1::WatchTokensResponse> {
 public:
  TokenEventSource(TailPosition position, TokenFilter filter, LogTail<TokenEvent>& tail, Store& store);

  common::Pull Next(v1::WatchTokensResponse* response, absl::Status* status) override;
  void Arm(std::function<void()> wake) override;
  void Disarm() override;
  std::string Resume() const override;

 private:
  void Add(const TokenEvent& event, v1::WatchTokensResponse* response);

  const TokenFilter filter_;
  LogTail<TokenEvent>& tail_;
  Store& store_;
  uint64_t cursor_;
  const std::optional<uint64_t> end_;
  uint64_t waiter_ = 0;
};

}  // namespace tokenwatch::detector
