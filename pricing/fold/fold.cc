#include "pricing/fold/fold.h"

#include <algorithm>
#include <atomic>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "common/sync/mutex.h"
#include "pricing/amount_math.h"
#include "pricing/fold/batch_loader.h"
#include "pricing/fold/hot_entry.h"
#include "pricing/fold/parking_lot.h"
#include "pricing/fold/resident_list.h"
#include "pricing/fold/write_behind.h"

namespace tokenwatch::pricing {

class Fold::Impl {
 public:
  Impl(const FoldOptions& options, HotSet& hot, UsdOfQuote usd_of_quote, FoldHistory& history, FoldListener& listener)
      : options_(options),
        usd_of_quote_(std::move(usd_of_quote)),
        listener_(listener),
        hot_(hot),
        loader_(history),
        residents_({options.idle, options.max_hot, options.max_bytes}),
        write_behind_(options.row_interval, options.max_dirty) {
    hot_.Clear();
  }

  void Begin(const Checkpoint& checkpoint) {
    common::MutexLock lock(mutex_);
    last_flush_ = checkpoint.flush;
    covered_ = checkpoint;
    write_behind_.OthersWrote(checkpoint.cursor);
    position_ = checkpoint.redo_cursor;
    now_ = checkpoint.newest_event;
    log_began_ = checkpoint.log_began;
  }
  void AddParked(ParkedSeries&& parked) {
    common::MutexLock lock(mutex_);
    stored_cursors_ += parked.cursors.size();
    lot_.Park(parked.series, parked.cursors);
  }
  void AddKept(const SeriesKey& key) {
    common::MutexLock lock(mutex_);
    lot_.Keep(FingerprintOf(key));
  }

  void SetWatched(const chain::TokenRef& token, bool watched);
  absl::Status Apply(const TradeBatch& batch);
  Flush CollectFlush(uint64_t last_flush, size_t max_rows, bool everything);
  void FlushWritten(const Flush& flush);
  void FlushFailed(const Flush& flush);
  void Covered(const Checkpoint& checkpoint);

  bool wants_flush() const { return wants_flush_.load(std::memory_order_relaxed); }
  Checkpoint position() const {
    common::MutexLock lock(mutex_);
    return PositionAfter(last_flush_);
  }
  std::vector<uint64_t> ParkedCursors(const SeriesKey& key) const {
    std::vector<uint64_t> cursors;
    common::MutexLock lock(mutex_);
    lot_.Find(FingerprintOf(key), cursors);
    return cursors;
  }
  FoldCounts counts() const;

 private:
  Checkpoint PositionAfter(uint64_t flush) const TW_REQUIRES(mutex_) {
    return {flush, position_, write_behind_.RedoCursor(position_), now_, log_began_};
  }
  // Rows of another replica, or of an earlier life, may be newer than what is known here. They must not go back,
  // because others may have read them.
  bool may_write() const TW_REQUIRES(mutex_) { return position_ >= covered_.cursor; }
  void Settle() TW_REQUIRES(mutex_);
  void InstallLoaded() TW_REQUIRES(mutex_);
  void FoldOne(const Trade& trade, HotEntry& entry) TW_REQUIRES(mutex_);
  void FoldMissed(const Trade& trade, HotEntry& entry) TW_REQUIRES(mutex_);
  FoldedTrade AddTo(const Trade& trade, HotEntry& entry) TW_REQUIRES(mutex_);
  bool IsWorthRows(const HotEntry& entry) const TW_REQUIRES(mutex_);
  void MakeKept(HotEntry& entry, uint64_t cursor) TW_REQUIRES(mutex_);
  void Tell(HotEntry& entry) TW_REQUIRES(mutex_);
  void CleanCovered() TW_REQUIRES(mutex_);
  void DropChunks() TW_REQUIRES(mutex_);
  void Evict(HotEntry& entry) TW_REQUIRES(mutex_);
  void ParkAllAnew(Flush& flush) TW_REQUIRES(mutex_);
  void UpdateWants() TW_REQUIRES(mutex_);
  absl::Time LogBegan(const TradeBatch& batch) const TW_REQUIRES(mutex_);

  const FoldOptions options_;
  const UsdOfQuote usd_of_quote_;
  FoldListener& listener_;

  // The set is changed under mutex_, by the thread that applies only.
  HotSet::Writer hot_;
  // Of the thread that applies.
  BatchLoader loader_;
  std::vector<chain::TokenRef> news_;

  std::atomic<bool> wants_flush_{false};

  mutable common::Mutex mutex_;
  ParkingLot lot_ TW_GUARDED_BY(mutex_);
  ResidentList residents_ TW_GUARDED_BY(mutex_);
  WriteBehind write_behind_ TW_GUARDED_BY(mutex_);
  absl::flat_hash_set<chain::TokenRef> watched_ TW_GUARDED_BY(mutex_);
  // Entries with chunks that may be dropped; changed chunks are dropped by the thread that applies, which may count on
  // those that it has seen.
  std::vector<HotEntry*> written_ TW_GUARDED_BY(mutex_);
  uint64_t last_flush_ TW_GUARDED_BY(mutex_) = 0;
  // As of the database when it was last heard of from elsewhere.
  Checkpoint covered_ TW_GUARDED_BY(mutex_);
  uint64_t position_ TW_GUARDED_BY(mutex_) = 0;
  // The log's time: the newest event of the trades so far.
  absl::Time now_ TW_GUARDED_BY(mutex_) = absl::InfinitePast();
  // See Checkpoint.
  absl::Time log_began_ TW_GUARDED_BY(mutex_) = absl::InfinitePast();
  // Cursors parked in the database, with those that are needed no more.
  size_t stored_cursors_ TW_GUARDED_BY(mutex_) = 0;
  FoldCounts counts_ TW_GUARDED_BY(mutex_);
  // Entries told of in news_.
  std::vector<HotEntry*> told_ TW_GUARDED_BY(mutex_);
};

void Fold::Impl::SetWatched(const chain::TokenRef& token, bool watched) {
  common::MutexLock lock(mutex_);
  if (!watched) {
    watched_.erase(token);
    return;
  }
  watched_.insert(token);
  for (HotEntry* entry = hot_.FindFirst(token); entry != nullptr; entry = entry->sibling) {
    if (!entry->kept) MakeKept(*entry, position_ + 1);
  }
}

absl::Status Fold::Impl::Apply(const TradeBatch& batch) {
  if (batch.unreadable > 0) {
    return absl::FailedPreconditionError(absl::StrCat(batch.unreadable, " trades of the log up to cursor ",
                                                      batch.cursor, " cannot be read by this build: run a newer one"));
  }
  absl::Time log_began;
  {
    common::MutexLock lock(mutex_);
    Settle();
    log_began = LogBegan(batch);
    if (residents_.is_overfull() && may_write()) {
      ++counts_.refused;
      return absl::ResourceExhaustedError(
          absl::StrCat("memory is full: ", residents_.size(), " series of ", residents_.bytes(),
                       " bytes wait for the database to take what is not written of them"));
    }
    loader_.Plan(batch.trades, position_, hot_, lot_);
  }
  if (absl::Status status = loader_.Fetch(log_began); !status.ok()) return status;
  {
    common::MutexLock lock(mutex_);
    log_began_ = std::max(log_began_, log_began);
    InstallLoaded();
    for (size_t i = 0; i < batch.trades.size(); ++i) {
      HotEntry* const entry = loader_.entry_of(i);
      if (entry == nullptr) {
        ++counts_.repeats;
      } else {
        FoldOne(batch.trades[i], *entry);
      }
    }
    position_ = std::max(position_, batch.cursor);
    Settle();
  }
  if (!news_.empty()) listener_.OnPrices(news_);
  news_.clear();
  return absl::OkStatus();
}

// As the next batch shows it. The cursors of a whole log begin at 1.
absl::Time Fold::Impl::LogBegan(const TradeBatch& batch) const {
  if (position_ != 0 || batch.trades.empty() || batch.trades.front().cursor == 1) return log_began_;
  return std::max(log_began_, batch.trades.front().event_time);
}

// Puts what the loader fetched into the set; from here on nothing can fail.
void Fold::Impl::InstallLoaded() {
  counts_.loads += loader_.loads();
  for (BatchLoader::Chunk& loaded : loader_.chunks()) {
    if (loaded.chunk == nullptr) continue;
    common::MutexLock lock(hot_.MutexOf(*loaded.entry));
    loaded.entry->AddChunk(*std::move(loaded.chunk));
  }
  for (BatchLoader::Fresh& fresh : loader_.fresh()) {
    HotEntry& entry = *fresh.entry;
    if (fresh.place == ParkingLot::Place::kKept) {
      // It may have been parked here, see BatchLoader.
      entry.rowless.reset();
      lot_.Keep(FingerprintOf(entry.series.key));
    } else if (fresh.place == ParkingLot::Place::kParked) {
      ++counts_.revived;
      lot_.Take(FingerprintOf(entry.series.key));
      for (const Trade& trade : fresh.trades) AddTo(trade, entry);
      entry.series.is_partial = fresh.is_partial || fresh.trades.size() < fresh.cursors.size();
      RowlessTrades& rowless = *entry.rowless;
      rowless.cursors = std::move(fresh.cursors);
      rowless.parked = rowless.parking = rowless.cursors.size();
      // The trade that made it so may have been parked before its row was written.
      if (IsWorthRows(entry)) MakeKept(entry, position_ + 1);
      entry.kept_since = std::max(entry.kept_since, rowless.cursors.back());
    } else {
      entry.series.is_partial = fresh.is_partial;
    }
    residents_.Add(entry, now_);
    hot_.Insert(std::move(fresh.entry));
  }
}

FoldedTrade Fold::Impl::AddTo(const Trade& trade, HotEntry& entry) {
  if (!entry.kept && entry.units_per_whole > 0 && usd_of_quote_) {
    const std::optional<double> usd =
        usd_of_quote_({entry.series.key.token.chain, entry.series.key.quote}, trade.event_time);
    if (usd) entry.rowless->usd += ToDouble(trade.quote_amount) / entry.units_per_whole * *usd;
  }
  return FoldTrade(trade, entry);
}

void Fold::Impl::FoldOne(const Trade& trade, HotEntry& entry) {
  now_ = std::max(now_, trade.event_time);
  if (trade.cursor <= entry.series.cursor) {
    ++counts_.repeats;
    if (trade.cursor > entry.series.candle_cursor) FoldMissed(trade, entry);
    return;
  }
  FoldedTrade folded;
  {
    common::MutexLock lock(hot_.MutexOf(entry));
    folded = AddTo(trade, entry);
  }
  ++counts_.trades;
  if (!folded.has_price) ++counts_.unpriced;
  if (folded.late_candle) ++counts_.late_candles;
  if (folded.new_candle) ++counts_.candles;
  if (folded.venue_left_out) ++counts_.venues_left_out;
  if (!entry.kept) {
    entry.rowless->cursors.push_back(trade.cursor);
    if (IsWorthRows(entry)) MakeKept(entry, trade.cursor);
  }
  write_behind_.Changed(entry, trade.cursor, now_);
  residents_.Touch(entry, now_);
  if (folded.price_changed) Tell(entry);
}

// The row was written before the chunk of this trade was.
void Fold::Impl::FoldMissed(const Trade& trade, HotEntry& entry) {
  {
    common::MutexLock lock(hot_.MutexOf(entry));
    FoldIntoCandles(trade, entry);
  }
  write_behind_.Changed(entry, trade.cursor, now_);
  residents_.Touch(entry, now_);
}

bool Fold::Impl::IsWorthRows(const HotEntry& entry) const {
  const RowlessTrades& rowless = *entry.rowless;
  return rowless.cursors.size() >= options_.persist_trades || rowless.usd >= options_.persist_usd ||
         watched_.contains(entry.series.key.token);
}

void Fold::Impl::MakeKept(HotEntry& entry, uint64_t cursor) {
  entry.kept = true;
  entry.kept_since = cursor;
  lot_.Keep(FingerprintOf(entry.series.key));
  write_behind_.Changed(entry, cursor, now_);
}

// Each token once; of a token with several series in the batch the first is told of.
void Fold::Impl::Tell(HotEntry& entry) {
  if (entry.told) return;
  if (entry.has_siblings) {
    for (const HotEntry* other = hot_.FindFirst(entry.series.key.token); other != nullptr; other = other->sibling) {
      if (other->told) return;
    }
  }
  entry.told = true;
  told_.push_back(&entry);
}

// What may leave memory does; the rest is told to be written.
void Fold::Impl::Settle() {
  for (HotEntry* entry : told_) {
    entry->told = false;
    news_.push_back(entry->series.key.token);
  }
  told_.clear();
  CleanCovered();
  DropChunks();
  residents_.Expire(now_);
  for (HotEntry* entry : residents_.TakeWritten()) Evict(*entry);
  UpdateWants();
}

void Fold::Impl::DropChunks() {
  for (HotEntry* entry : written_) {
    if (!entry->kept || entry->chunks.size() < 2) continue;
    {
      common::MutexLock lock(hot_.MutexOf(*entry));
      // The newest stays, because the next trade is likely to be in it.
      const auto may_go = [&](const HotChunk& held) {
        return !held.dirty && !held.in_flight && &held != &entry->chunks.back();
      };
      entry->chunks.erase(std::remove_if(entry->chunks.begin(), entry->chunks.end() - 1, may_go),
                          entry->chunks.end() - 1);
    }
    residents_.Recount(*entry);
  }
  written_.clear();
}

void Fold::Impl::Evict(HotEntry& entry) {
  if (!entry.kept) lot_.Park(FingerprintOf(entry.series.key), entry.rowless->cursors);
  hot_.Take(entry);
  ++counts_.evicted;
}

Flush Fold::Impl::CollectFlush(uint64_t last_flush, size_t max_rows, bool everything) {
  common::MutexLock lock(mutex_);
  Flush flush;
  if (!may_write()) {
    flush.checkpoint = covered_;
    flush.checkpoint.flush = last_flush + 1;
    return flush;
  }
  // Those that are to leave first: memory may be full.
  bool has_room = true;
  for (HotEntry* entry : residents_.Leaving()) {
    if (has_room && entry->dirty_since != 0) has_room = write_behind_.Take(*entry, max_rows, flush);
  }
  if (has_room) write_behind_.TakeDue(now_, everything, max_rows, flush);
  if (stored_cursors_ > lot_.cursors() + options_.max_dead_parked) ParkAllAnew(flush);
  flush.checkpoint = PositionAfter(last_flush + 1);
  UpdateWants();
  return flush;
}

void Fold::Impl::ParkAllAnew(Flush& flush) {
  size_t hot_cursors = 0;
  std::vector<HotEntry*> entries;
  for (HotEntry* entry : residents_.All()) {
    if (entry->rowless == nullptr || entry->rowless->cursors.empty()) continue;
    entries.push_back(entry);
    hot_cursors += entry->rowless->cursors.size();
  }
  // Those in memory are not dead.
  if (stored_cursors_ <= lot_.cursors() + hot_cursors + options_.max_dead_parked) return;
  for (HotEntry* entry : entries) {
    if (!entry->kept && entry->dirty_since != 0) write_behind_.Take(*entry, SIZE_MAX, flush);
  }
  flush.parked.clear();
  flush.parked_is_complete = true;
  for (const HotEntry* entry : entries) {
    flush.parked.push_back({FingerprintOf(entry->series.key), entry->rowless->cursors});
  }
  lot_.ForEachParked([&](const Fingerprint& series, const std::vector<uint64_t>& cursors) {
    flush.parked.push_back({series, cursors});
  });
}

void Fold::Impl::FlushWritten(const Flush& flush) {
  common::MutexLock lock(mutex_);
  last_flush_ = flush.checkpoint.flush;
  if (flush.parked_is_complete) stored_cursors_ = 0;
  for (const ParkedSeries& parked : flush.parked) stored_cursors_ += parked.cursors.size();
  const std::vector<HotEntry*> entries = write_behind_.Written();
  written_.insert(written_.end(), entries.begin(), entries.end());
  residents_.FlushEnded();
  UpdateWants();
}

void Fold::Impl::FlushFailed(const Flush& flush) {
  common::MutexLock lock(mutex_);
  // They may be there now.
  for (const ParkedSeries& parked : flush.parked) stored_cursors_ += parked.cursors.size();
  write_behind_.Failed();
  UpdateWants();
}

void Fold::Impl::Covered(const Checkpoint& checkpoint) {
  common::MutexLock lock(mutex_);
  last_flush_ = checkpoint.flush;
  covered_ = checkpoint;
  write_behind_.OthersWrote(checkpoint.cursor);
  log_began_ = std::max(log_began_, checkpoint.log_began);
  CleanCovered();
  UpdateWants();
}

void Fold::Impl::CleanCovered() {
  // Of what is covered ahead of here, nothing is known yet.
  const std::vector<HotEntry*> entries = write_behind_.Covered(std::min(covered_.redo_cursor, position_));
  if (entries.empty()) return;
  written_.insert(written_.end(), entries.begin(), entries.end());
  residents_.FlushEnded();
}

void Fold::Impl::UpdateWants() {
  wants_flush_.store(write_behind_.has_too_many() || residents_.waits_for_flush(), std::memory_order_relaxed);
}

FoldCounts Fold::Impl::counts() const {
  common::MutexLock lock(mutex_);
  FoldCounts counts = counts_;
  counts.hot = residents_.size();
  counts.hot_bytes = residents_.bytes();
  counts.dirty = write_behind_.dirty();
  counts.parked = lot_.parked();
  counts.kept = lot_.kept();
  return counts;
}

Fold::Fold(const FoldOptions& options, HotSet& hot, UsdOfQuote usd_of_quote, FoldHistory& history,
           FoldListener& listener)
    : impl_(std::make_unique<Impl>(options, hot, std::move(usd_of_quote), history, listener)) {}
Fold::~Fold() = default;

void Fold::Begin(const Checkpoint& checkpoint) { impl_->Begin(checkpoint); }
void Fold::AddParked(ParkedSeries&& parked) { impl_->AddParked(std::move(parked)); }
void Fold::AddKept(const SeriesKey& key) { impl_->AddKept(key); }
void Fold::SetWatched(const chain::TokenRef& token, bool watched) { impl_->SetWatched(token, watched); }
absl::Status Fold::Apply(const TradeBatch& batch) { return impl_->Apply(batch); }
Flush Fold::CollectFlush(uint64_t last_flush, size_t max_rows, bool everything) {
  return impl_->CollectFlush(last_flush, max_rows, everything);
}
void Fold::FlushWritten(const Flush& flush) { impl_->FlushWritten(flush); }
void Fold::FlushFailed(const Flush& flush) { impl_->FlushFailed(flush); }
void Fold::Covered(const Checkpoint& checkpoint) { impl_->Covered(checkpoint); }
bool Fold::wants_flush() const { return impl_->wants_flush(); }
Checkpoint Fold::position() const { return impl_->position(); }
std::vector<uint64_t> Fold::ParkedCursors(const SeriesKey& key) const { return impl_->ParkedCursors(key); }
FoldCounts Fold::counts() const { return impl_->counts(); }

}  // namespace tokenwatch::pricing
