#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pricing/pg_store/packing.h"
#include "pricing/pg_store/parked_codec.h"
#include "pricing/pg_store/price_json.h"
#include "pricing/pg_store/samples_for_test.h"

namespace tokenwatch::pricing {
namespace {

constexpr char kMaxAmount[] = "115792089237316195423570985008687907853269984665640564039457584007913129639935";

TEST(PackingTest, WhatIsPackedIsUnpacked) {
  const std::vector<uint64_t> numbers = {0, 1, 127, 128, 16'383, 16'384, UINT64_MAX - 1, UINT64_MAX};
  const std::vector<int64_t> integers = {0, -1, 1, std::numeric_limits<int64_t>::min(),
                                         std::numeric_limits<int64_t>::max()};
  const std::vector<chain::Amount> amounts = {0, 255, 256, UINT64_MAX, *chain::Amount::Parse(kMaxAmount)};
  std::string bytes;
  Packer packer(bytes);
  for (const uint64_t number : numbers) packer.Uint(number);
  for (const int64_t integer : integers) packer.Int(integer);
  for (const chain::Amount& amount : amounts) packer.Amount(amount);
  packer.Text("pump");
  packer.Text("");
  packer.Byte(200);

  Unpacker unpacker(bytes);
  for (const uint64_t number : numbers) EXPECT_EQ(unpacker.Uint(), number);
  for (const int64_t integer : integers) EXPECT_EQ(unpacker.Int(), integer);
  for (const chain::Amount& amount : amounts) EXPECT_EQ(unpacker.Amount(), amount);
  EXPECT_EQ(unpacker.Text(), "pump");
  EXPECT_EQ(unpacker.Text(), "");
  EXPECT_EQ(unpacker.Byte(), 200);
  EXPECT_TRUE(unpacker.ok());
  EXPECT_TRUE(unpacker.at_end());
}

TEST(PackingTest, DamagedBytesAreNoticedAndNothingIsReadPastThem) {
  const auto fails = [](absl::string_view bytes, auto read) {
    Unpacker unpacker(bytes);
    read(unpacker);
    return !unpacker.ok();
  };
  const auto uint = [](Unpacker& unpacker) { EXPECT_EQ(unpacker.Uint(), 0u); };
  const auto amount = [](Unpacker& unpacker) { EXPECT_TRUE(unpacker.Amount().IsZero()); };
  EXPECT_TRUE(fails("", uint));
  EXPECT_TRUE(fails("\x80\x80", uint)) << "cut";
  EXPECT_TRUE(fails(std::string("\x80\x00", 2), uint)) << "a second spelling";
  EXPECT_TRUE(fails("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", uint)) << "more than 64 bits";
  EXPECT_TRUE(fails("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", uint));
  EXPECT_TRUE(
      fails("\x05"
            "ab",
            [](Unpacker& unpacker) { EXPECT_EQ(unpacker.Text(), ""); }));
  EXPECT_TRUE(fails(std::string("\x02\x01\x00", 3), amount)) << "a second spelling";
  EXPECT_TRUE(fails(std::string(1, '\x21') + std::string(33, 'a'), amount)) << "more than 256 bits";
}

std::vector<ParkedSeries> Unpacked(absl::string_view packed, absl::Status* status) {
  std::vector<ParkedSeries> series;
  *status = UnpackParked(packed, [&](ParkedSeries&& one) { series.push_back(std::move(one)); });
  return series;
}

TEST(ParkedCodecTest, PartsHoldEverythingInOrder) {
  std::vector<ParkedSeries> parked;
  for (uint64_t i = 0; i < 1000; ++i) {
    ParkedSeries one{absl::MakeUint128(i * 77, ~i), {}};
    for (uint64_t trade = 0; trade < i % 10; ++trade)
      one.cursors.push_back(1'000'000'000'000 + i * 100 + trade * trade);
    parked.push_back(one);
  }
  parked.push_back({absl::Uint128Max(), {0, 1, UINT64_MAX}});
  const std::vector<ParkedPart> parts = PackParked(parked, 1000);
  ASSERT_GT(parts.size(), 10u);
  std::vector<ParkedSeries> all;
  size_t series = 0;
  size_t trades = 0;
  for (const ParkedPart& part : parts) {
    EXPECT_LT(part.packed.size(), 1100u);
    series += part.series;
    trades += part.trades;
    absl::Status status;
    for (ParkedSeries& one : Unpacked(part.packed, &status)) all.push_back(std::move(one));
    EXPECT_TRUE(status.ok()) << status;
  }
  EXPECT_EQ(series, parked.size());
  EXPECT_EQ(trades, 4503u);
  ASSERT_EQ(all.size(), parked.size());
  for (size_t i = 0; i < all.size(); ++i) {
    EXPECT_EQ(all[i].series, parked[i].series);
    EXPECT_EQ(all[i].cursors, parked[i].cursors);
  }
  EXPECT_TRUE(PackParked({}, 1000).empty());
}

TEST(ParkedCodecTest, DamageIsNoticed) {
  const std::vector<ParkedPart> parts = PackParked(std::vector<ParkedSeries>{{17, {5, 1000, 1001}}}, 1000);
  ASSERT_EQ(parts.size(), 1u);
  const std::string& packed = parts[0].packed;
  absl::Status status;
  // Every proper beginning but that of no series at all.
  for (size_t size = 0; size < packed.size(); ++size) {
    if (size == 1) continue;
    EXPECT_TRUE(Unpacked(absl::string_view(packed).substr(0, size), &status).empty()) << size;
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << size;
  }
  std::string many = packed.substr(0, 17) + "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01";
  EXPECT_TRUE(Unpacked(many, &status).empty()) << "a count that no bytes follow";
  EXPECT_FALSE(status.ok());
}

Price EveryField() {
  Price price;
  price.token = SampleToken(1);
  price.basis = Basis::kOracle;
  price.grade = Grade::kB;
  price.quote = SampleQuote();
  price.point = SamplePoint(31'000'000'000, 7);
  price.point->is_mayhem = true;
  price.in_quote = 0.1;
  price.usd = 2.8025969286496341e-08;
  price.reference = Reference{{chain::Chain::kSolana, SampleQuote()}, SampleTime(3), "150.120", Word("recorded")};
  SourceReport used;
  used.source = Word("dexscreener");
  used.outcome = Outcome::kFound;
  used.used = true;
  used.observation = Observation{"0.0000000280", 2.8e-8, SampleTime(4), SampleTime(5), 1234.5, Word("pump"), "pool"};
  SourceReport failed;
  failed.source = Word("jupiter");
  failed.outcome = Outcome::kBadAnswer;
  failed.detail = "HTML, not JSON: <html>";
  price.sources = {used, failed};
  price.event_time = SampleTime(5);
  price.confidence_bps = 12.75;
  price.unknown_reason = "none";
  return price;
}

TEST(PriceJsonTest, APriceComesBackAsItWas) {
  const Price price = EveryField();
  const auto back = ParsePriceJson(PriceJson(price));
  ASSERT_TRUE(back.ok()) << back.status();
  // The same text for the same value, so equal texts are equal prices, field by field.
  EXPECT_EQ(PriceJson(*back), PriceJson(price));
  EXPECT_EQ(back->token, price.token);
  EXPECT_EQ(back->point, price.point);
  EXPECT_EQ(back->usd, price.usd);
  EXPECT_EQ(back->in_quote, price.in_quote);
  EXPECT_EQ(back->reference, price.reference);
  ASSERT_EQ(back->sources.size(), 2u);
  EXPECT_EQ(back->sources[0].observation->usd, "0.0000000280");
  EXPECT_EQ(back->sources[0].observation->liquidity_usd, 1234.5);
  EXPECT_EQ(back->sources[1].detail, "HTML, not JSON: <html>");
  EXPECT_EQ(back->event_time, price.event_time);

  const auto empty = ParsePriceJson(PriceJson(Price{}));
  ASSERT_TRUE(empty.ok()) << empty.status();
  EXPECT_FALSE(empty->point.has_value() || empty->usd.has_value() || empty->reference.has_value());
  EXPECT_EQ(PriceJson(*empty), PriceJson(Price{}));
}

TEST(PriceJsonTest, StrangersTextsBecomeStorable) {
  Price price = EveryField();
  price.sources[1].detail = std::string("bad\0\xff\xfe text", 11);
  price.sources[0].observation->pool = std::string(10'000, 'x');
  const auto back = ParsePriceJson(PriceJson(price));
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(back->sources[1].detail, "bad text");
  EXPECT_LE(back->sources[0].observation->pool.size(), 500u);
}

TEST(PriceJsonTest, WhatIsNoPriceIsDataLoss) {
  for (const char* text : {"", "null", "{}", "[]", "{\"chain\": 7}", "{\"chain\": \"solana\"}"}) {
    EXPECT_EQ(ParsePriceJson(text).status().code(), absl::StatusCode::kDataLoss) << text;
  }
  std::string damaged = PriceJson(EveryField());
  damaged.replace(damaged.find("31000000000"), 2, "x1");
  EXPECT_FALSE(ParsePriceJson(damaged).ok());
}

}  // namespace
}  // namespace tokenwatch::pricing
