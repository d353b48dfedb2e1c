#include "pricing/fold/parking_lot.h"

#include <map>
#include <random>
#include <set>
#include <vector>

#include <gtest/gtest.h>

namespace tokenwatch::pricing {
namespace {

using Place = ParkingLot::Place;

Fingerprint Number(uint64_t number) {
  // Spread over all bits, as fingerprints are.
  return absl::MakeUint128(number * 0x9e3779b97f4a7c15, number * 0xd1342543de82ef95);
}

TEST(ParkingLotTest, KnowsWhereASeriesIs) {
  ParkingLot lot;
  std::vector<uint64_t> cursors = {99};
  EXPECT_EQ(lot.Find(Number(1), cursors), Place::kUnknown);
  EXPECT_TRUE(cursors.empty());
  lot.Park(Number(1), {7, 3});
  lot.Park(Number(1), {3, 500'000'000'000, 5});
  EXPECT_EQ(lot.Find(Number(1), cursors), Place::kParked);
  EXPECT_EQ(cursors, (std::vector<uint64_t>{3, 5, 7, 500'000'000'000}));
  EXPECT_EQ(lot.parked(), 1u);
  EXPECT_EQ(lot.cursors(), 4u);
  lot.Keep(Number(1));
  lot.Park(Number(1), {8});
  EXPECT_EQ(lot.Find(Number(1), cursors), Place::kKept);
  EXPECT_TRUE(cursors.empty());
  EXPECT_EQ(lot.parked(), 0u);
  EXPECT_EQ(lot.cursors(), 0u);
  EXPECT_EQ(lot.kept(), 1u);
  lot.Take(Number(1));
  EXPECT_EQ(lot.Find(Number(1), cursors), Place::kKept);
  lot.Park(Number(2), {1});
  lot.Take(Number(2));
  EXPECT_EQ(lot.Find(Number(2), cursors), Place::kUnknown);
}

TEST(ParkingLotTest, DoesAsAMapDoes) {
  std::mt19937_64 random(1);
  ParkingLot lot;
  std::map<uint64_t, std::set<uint64_t>> parked;
  std::set<uint64_t> kept;
  std::vector<uint64_t> cursors;
  for (int i = 0; i < 200'000; ++i) {
    const uint64_t series = random() % 20'000;
    switch (random() % 8) {
      case 0:
        lot.Keep(Number(series));
        if (random() % 2 == 0) lot.Keep(Number(series));
        kept.insert(series);
        parked.erase(series);
        break;
      case 1:
        lot.Take(Number(series));
        parked.erase(series);
        break;
      case 2:
      case 3: {
        std::vector<uint64_t> added(1 + random() % 9);
        for (uint64_t& cursor : added) cursor = random() >> random() % 64;
        lot.Park(Number(series), added);
        if (!kept.contains(series)) parked[series].insert(added.begin(), added.end());
        break;
      }
      default: {
        const Place place = lot.Find(Number(series), cursors);
        const auto found = parked.find(series);
        ASSERT_EQ(place, kept.contains(series)   ? Place::kKept
                         : found != parked.end() ? Place::kParked
                                                 : Place::kUnknown);
        if (place == Place::kParked) {
          ASSERT_EQ(cursors, std::vector<uint64_t>(found->second.begin(), found->second.end()));
        }
      }
    }
  }
  EXPECT_EQ(lot.kept(), kept.size());
  EXPECT_EQ(lot.parked(), parked.size());
  size_t visited = 0, total = 0;
  lot.ForEachParked([&](const Fingerprint&, const std::vector<uint64_t>& each) {
    ++visited;
    total += each.size();
  });
  EXPECT_EQ(visited, parked.size());
  EXPECT_EQ(lot.cursors(), total);
}

TEST(ParkingLotTest, TakesFewBytes) {
  ParkingLot lot;
  constexpr uint64_t kSeries = 300'000;
  for (uint64_t i = 0; i < kSeries; ++i) {
    const uint64_t cursor = 1'000'000'000 + i * 3;
    lot.Park(Number(i), {cursor, cursor + 2000, cursor + 100'000});
  }
  EXPECT_LT(static_cast<double>(lot.memory()) / kSeries, 40);
}

}  // namespace
}  // namespace tokenwatch::pricing
