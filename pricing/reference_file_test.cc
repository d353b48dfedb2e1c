#include "pricing/reference_file.h"

#include <fstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include "common/testing/temp_dir.h"

namespace tokenwatch::pricing {
namespace {

using ::testing::HasSubstr;

constexpr char kGood[] =
    R"({"t":1783087200.5,"feed":"reference","raw":"{\"asset\":\"solana:So11111111111111111111111111111111111111112\",\"usd\":\"150.12\",\"source\":\"recorded\"}"})";

class ReferenceFileTest : public ::testing::Test {
 protected:
  std::string Write(const std::vector<std::string>& lines) {
    const std::string path = dir_.path() / "references.jsonl";
    std::ofstream file(path);
    for (const std::string& line : lines) file << line << "\n";
    return path;
  }
  common::TempDir dir_;
};

TEST_F(ReferenceFileTest, ReadsReferencesAndPassesOverTheRest) {
  const auto read = ReadReferenceFile(Write({R"({"t":1,"feed":"solana","raw":"anything"})", kGood, "", kGood}));
  ASSERT_TRUE(read.ok()) << read.status();
  ASSERT_EQ(read->size(), 2u);
  const Reference& reference = read->front();
  EXPECT_EQ(reference.asset.chain, chain::Chain::kSolana);
  EXPECT_EQ(std::string(reference.asset.address.text()), "So11111111111111111111111111111111111111112");
  EXPECT_EQ(reference.event_time, absl::FromUnixMillis(1'783'087'200'500));
  EXPECT_EQ(reference.usd, "150.12");
  EXPECT_EQ(reference.source, Word("recorded"));
}

TEST_F(ReferenceFileTest, ReadsGzip) {
  const std::string path = dir_.path() / "references.jsonl.gz";
  gzFile file = gzopen(path.c_str(), "wb");
  ASSERT_GT(gzputs(file, (std::string(kGood) + "\n").c_str()), 0);
  gzclose(file);
  const auto read = ReadReferenceFile(path);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->size(), 1u);
}

TEST_F(ReferenceFileTest, NamesTheLineThatIsBad) {
  const auto read = ReadReferenceFile(Write({kGood, kGood, "{"}));
  EXPECT_TRUE(absl::IsInvalidArgument(read.status())) << read.status();
  EXPECT_THAT(std::string(read.status().message()), HasSubstr("references.jsonl, line 3: "));
}

TEST_F(ReferenceFileTest, NamesAFileThatIsNotThere) {
  const std::string path = dir_.path() / "missing";
  EXPECT_TRUE(absl::IsNotFound(ReadReferenceFile(path).status()));
  EXPECT_THAT(std::string(ReadReferenceFile(path).status().message()), HasSubstr(path));
}

TEST(ParseReferenceTest, RefusesWhatIsNone) {
  const std::vector<std::pair<std::string, std::string>> bad = {
      {"", "JSON"},
      {"[]", "JSON"},
      {R"({"asset":"solana:So11111111111111111111111111111111111111112","usd":"1"})", "lacks"},
      {R"({"asset":"solana:So11111111111111111111111111111111111111112","usd":1.5,"source":"a"})", "lacks"},
      {R"({"asset":"So11111111111111111111111111111111111111112","usd":"1","source":"a"})", "asset"},
      {R"({"asset":"solana:0OIl","usd":"1","source":"a"})", "asset"},
      {R"({"asset":"solana:So11111111111111111111111111111111111111112","usd":"-1","source":"a"})", "usd"},
      {R"({"asset":"solana:So11111111111111111111111111111111111111112","usd":"0","source":"a"})", "usd"},
      {R"({"asset":"solana:So11111111111111111111111111111111111111112","usd":"1e3","source":"a"})", "usd"},
      {R"({"asset":"solana:So11111111111111111111111111111111111111112","usd":"1","source":""})", "source"},
      {R"({"asset":"solana:So11111111111111111111111111111111111111112","usd":"1","source":"Not A Word"})", "source"},
  };
  for (const auto& [raw, word] : bad) {
    const absl::Status status = ParseReference(absl::UnixEpoch(), raw).status();
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << raw;
    EXPECT_THAT(std::string(status.message()), HasSubstr(word)) << raw;
  }
}

}  // namespace
}  // namespace tokenwatch::pricing
