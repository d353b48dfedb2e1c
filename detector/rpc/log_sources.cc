#include "detector/rpc/log_sources.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "detector/rpc/convert.h"
#include "detector/rpc/trade_wire.h"
#include "grpcpp/support/slice.h"

namespace tokenwatch::detector {
namespace {

// About a megabyte a message: large enough that calls cost nothing, small enough that a stream is.
constexpr int kTradesPerMessage = 3000;
constexpr int kEventsPerMessage = 500;
constexpr absl::Duration kReadTimeout = absl::Seconds(15);

std::optional<uint64_t> EndOf(const TailPosition& position, uint64_t head) {
  if (!position.until_head) return position.until;
  return std::min(head, position.until.value_or(head));
}

// Handed over, not copied: a message is large.
grpc::ByteBuffer ToBuffer(std::unique_ptr<std::string> bytes) {
  std::string* const kept = bytes.release();
  const grpc::Slice slice(
      kept->data(), kept->size(), [](void* string) { delete static_cast<std::string*>(string); }, kept);
  return grpc::ByteBuffer(&slice, 1);
}

}  // namespace

TradeSource::TradeSource(TailPosition position, TradeFilter filter, LogTail<Trade>& tail, Store& store)
    : filter_(std::move(filter)),
      tail_(tail),
      store_(store),
      cursor_(position.after),
      end_(EndOf(position, tail.head())) {}

absl::Status TradeSource::CheckKept() {
  checked_ = true;
  if (cursor_ == 0) return absl::OkStatus();
  const auto oldest = store_.OldestTrade(absl::Now() + kReadTimeout);
  if (!oldest.ok()) return oldest.status();
  if (!oldest->has_value() || **oldest <= cursor_ + 1) return absl::OkStatus();
  return absl::OutOfRangeError(
      absl::StrCat("after_cursor: ", cursor_, " is no longer kept; the oldest trade has cursor ", **oldest));
}

absl::Status TradeSource::Fill() {
  const uint64_t head = std::min(end_.value_or(tail_.head()), tail_.head());
  while (cursor_ < head && trades_ < kTradesPerMessage) {
    if (const CommittedChunk<Trade> chunk = tail_.Find(cursor_)) {
      // Cursors of a chunk are consecutive.
      for (size_t i = cursor_ + 1 - chunk->front().cursor; i < chunk->size() && cursor_ < head; ++i) {
        const Trade& trade = (*chunk)[i];
        cursor_ = trade.cursor;
        if (!filter_.Matches(trade)) continue;
        AppendTradeField(FieldsOf(trade, texts_), *wire_);
        if (++trades_ >= kTradesPerMessage) break;
      }
      continue;
    }
    const auto examined = store_.ReadTrades(
        cursor_, head, filter_, kTradesPerMessage - trades_,
        [this](const TradeFields& trade) {
          AppendTradeField(trade, *wire_);
          ++trades_;
        },
        absl::Now() + kReadTimeout);
    if (!examined.ok()) return examined.status();
    cursor_ = *examined;
    // A filter that leaves most out must not keep the reader waiting for its place.
    if (trades_ > 0 || !filter_.empty()) break;
  }
  return absl::OkStatus();
}

common::Pull TradeSource::Next(grpc::ByteBuffer* response, absl::Status* status) {
  if (!checked_) {
    if (*status = CheckKept(); !status->ok()) return common::Pull::kEnd;
  }
  const uint64_t before = cursor_;
  wire_ = std::make_unique<std::string>();
  trades_ = 0;
  if (absl::Status filled = Fill(); !filled.ok()) {
    *status = absl::Status(filled.code(), absl::StrCat(filled.message(), "; ", Resume()));
    return common::Pull::kEnd;
  }
  if (cursor_ == before) return end_.has_value() && cursor_ >= *end_ ? common::Pull::kEnd : common::Pull::kWait;
  AppendCursorField(cursor_, *wire_);
  *response = ToBuffer(std::move(wire_));
  return common::Pull::kSend;
}

void TradeSource::Arm(std::function<void()> wake) { waiter_ = tail_.NotifyPast(cursor_, std::move(wake)); }
void TradeSource::Disarm() { tail_.Forget(waiter_); }
std::string TradeSource::Resume() const { return absl::StrCat("resume after cursor ", cursor_); }

TokenEventSource::TokenEventSource(TailPosition position, TokenFilter filter, LogTail<TokenEvent>& tail, Store& store)
    : filter_(std::move(filter)),
      tail_(tail),
      store_(store),
      cursor_(position.after),
      end_(EndOf(position, tail.head())) {}

void TokenEventSource::Add(const TokenEvent& event, v1::WatchTokensResponse* response) {
  cursor_ = event.cursor;
  if (filter_.Matches(event)) ToProto(event, response->add_events());
}

common::Pull TokenEventSource::Next(v1::WatchTokensResponse* response, absl::Status* status) {
  const uint64_t before = cursor_;
  const uint64_t head = std::min(end_.value_or(tail_.head()), tail_.head());
  if (cursor_ < head) {
    if (const CommittedChunk<TokenEvent> chunk = tail_.Find(cursor_)) {
      for (size_t i = cursor_ + 1 - chunk->front().cursor; i < chunk->size() && cursor_ < head; ++i) {
        Add((*chunk)[i], response);
        if (response->events_size() >= kEventsPerMessage) break;
      }
    } else {
      const auto events = store_.ReadEvents(cursor_, kEventsPerMessage, absl::Now() + kReadTimeout);
      if (!events.ok()) {
        *status = absl::Status(events.status().code(), absl::StrCat(events.status().message(), "; ", Resume()));
        return common::Pull::kEnd;
      }
      for (const TokenEvent& event : *events) {
        if (event.cursor <= head) Add(event, response);
      }
    }
  }
  if (cursor_ == before) return end_.has_value() ? common::Pull::kEnd : common::Pull::kWait;
  response->set_cursor(cursor_);
  return common::Pull::kSend;
}

void TokenEventSource::Arm(std::function<void()> wake) { waiter_ = tail_.NotifyPast(cursor_, std::move(wake)); }
void TokenEventSource::Disarm() { tail_.Forget(waiter_); }
std::string TokenEventSource::Resume() const { return absl::StrCat("resume after cursor ", cursor_); }

}  // namespace tokenwatch::detector
