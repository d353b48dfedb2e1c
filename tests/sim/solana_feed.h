// Turns transactions of the market into messages of a `logsSubscribe` on the pump.fun program, and makes up failed
// transactions beside them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "tests/sim/log_frame.h"
#include "tests/sim/market.h"
#include "tests/sim/options.h"
#include "tests/sim/random.h"

namespace tokenwatch::sim {

// A transaction signature as its base58 text: 88 characters that decode to 64 bytes.
std::string DrawSignature(Random& random);

// What the messages so far hold beyond the market's own events.
struct SolanaFeedTruth {
  uint64_t failed_frames = 0;
  uint64_t failed_frames_with_events = 0;  // events that never happened
  uint64_t failed_trade_events = 0;
  uint64_t failed_create_events = 0;
  uint64_t truncated_frames = 0;
  uint64_t truncated_trades = 0;    // in truncated frames; they may or may not be seen there
  uint64_t foreign_data_lines = 0;  // `Program data:` lines of other programs, some with a pump discriminator
};

// One thread at a time; reads the market, which must outlive it.
class SolanaFeed {
 public:
  SolanaFeed(const Options& options, const Market& market);

  // The acknowledgement of the subscription.
  static void WriteAck(std::string* raw);

  // Replaces *raw by the message of a transaction that succeeded. Reads the market as it is right after it. A slot
  // lasts 400 ms, counted from the start of the simulation.
  void WriteTransaction(const Transaction& transaction, absl::string_view signature, std::string* raw);

  // Replaces *raw by the message of a transaction that failed at this time: mostly without events, some with events of
  // the pump program that were rolled back.
  void WriteFailed(int64_t time_us, std::string* raw);

  const SolanaFeedTruth& truth() const { return truth_; }

 private:
  uint64_t SlotAt(int64_t time_us) const;
  void WriteBudget();
  void WriteToken2022(absl::string_view instruction);
  void WriteSelfCall();
  void WriteCreate(const Transaction& transaction);
  void WriteTrade(const Trade& trade, const Transaction& transaction);
  void WriteTradeInside(const Trade& trade, const Transaction& transaction);
  void WriteRewrite(const MayhemRewrite& rewrite, const Transaction& transaction);
  void WriteMigration(uint32_t token, const Transaction& transaction);
  void WriteDecoy();
  void WriteRolledBackTrade(int64_t time_us);
  void WriteRolledBackCreate(int64_t time_us);
  void EncodeTrade(const Trade& trade, int64_t timestamp_s);
  void EncodeCreate(const Token& token, const chain::Pubkey& creator, int64_t timestamp_s);

  const Market& market_;
  const int64_t start_us_;
  const uint32_t truncated_ppm_;
  Random random_;
  LogFrameWriter log_;
  std::string event_;  // the encoded event at hand
  chain::Pubkey fee_recipients_[8];
  chain::Pubkey token_program_;
  chain::Pubkey migrator_;
  SolanaFeedTruth truth_;
};

}  // namespace tokenwatch::sim
