#include "chain/solana/invoke_stack.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"

namespace tokenwatch::chain {
namespace {

constexpr char kA[] = "6EF8rrecthR5Dkzon8Nwu78hRvfCKubJ14M5uBEwF6P";
constexpr char kB[] = "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA";

std::string Invoke(absl::string_view id, int depth) { return absl::StrCat("Program ", id, " invoke [", depth, "]"); }
std::string Success(absl::string_view id) { return absl::StrCat("Program ", id, " success"); }
std::string Failed(absl::string_view id) { return absl::StrCat("Program ", id, " failed: custom program error: 0x1"); }

class InvokeStackTest : public ::testing::Test {
 protected:
  void Run(std::vector<std::string> lines) {
    lines_ = std::move(lines);
    stack_.Reset();
    for (const std::string& line : lines_) stack_.AddLine(line);
  }
  const DataLine& Data(size_t i) { return stack_.data_lines().at(i); }

  std::vector<std::string> lines_;
  InvokeStack stack_;
};

TEST_F(InvokeStackTest, AttributesByDepthAndCountsAllDataLines) {
  Run({Invoke(kB, 1), "Program data: b0", Invoke(kA, 2), "Program data: a1", Success(kA), "Program data: b2",
       Success(kB), Invoke(kA, 1), "Program data: a3", Success(kA)});
  ASSERT_EQ(stack_.data_lines().size(), 4u);
  EXPECT_FALSE(stack_.malformed());
  const std::vector<std::string> programs = {kB, kA, kB, kA};
  const std::vector<int> depths = {1, 2, 1, 1};
  const std::vector<std::string> payloads = {"b0", "a1", "b2", "a3"};
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(Data(i).program, programs[i]);
    EXPECT_EQ(Data(i).depth, depths[i]);
    EXPECT_EQ(Data(i).ordinal, i);
    EXPECT_EQ(Data(i).payload, payloads[i]);
    EXPECT_EQ(Data(i).outcome, InvocationOutcome::kSucceeded);
  }
}

TEST_F(InvokeStackTest, FailureOfAnAncestorOrOfTheInvocationItselfUndoesTheLine) {
  Run({Invoke(kB, 1), Invoke(kA, 2), "Program data: inner", Success(kA), Failed(kB),  //
       Invoke(kB, 1), Invoke(kA, 2), "Program data: inner", Failed(kA), "Program data: outer", Success(kB)});
  EXPECT_EQ(Data(0).outcome, InvocationOutcome::kFailed);
  EXPECT_EQ(Data(1).outcome, InvocationOutcome::kFailed);
  EXPECT_EQ(Data(2).outcome, InvocationOutcome::kSucceeded);
}

TEST_F(InvokeStackTest, ProgramTextsThatImitateTheRuntimeAreOnlyText) {
  Run({Invoke(kB, 1), absl::StrCat("Program log: ", Invoke(kA, 2)), "Program log: Program data: x",
       absl::StrCat("Program log: x\n", Invoke(kA, 2)), "Program log: Log truncated", "Program data: b",
       absl::StrCat("Program log: ", Success(kB)), Success(kB)});
  ASSERT_EQ(stack_.data_lines().size(), 1u);
  EXPECT_EQ(Data(0).program, kB);
  EXPECT_EQ(Data(0).outcome, InvocationOutcome::kSucceeded);
  EXPECT_FALSE(stack_.malformed());
  EXPECT_FALSE(stack_.truncated());
}

TEST_F(InvokeStackTest, OtherRuntimeLinesAreIgnored) {
  Run({Invoke(kA, 1), absl::StrCat("Program ", kA, " consumed 5 of 10 compute units"),
       absl::StrCat("Program return: ", kA, " AAAA"), "Program failed to complete: exceeded CUs",
       "Program is not deployed", "Transfer: insufficient lamports 0, need 5", "", "Program ", "Program data: x",
       Success(kA)});
  EXPECT_FALSE(stack_.malformed());
  EXPECT_EQ(Data(0).outcome, InvocationOutcome::kSucceeded);
}

TEST_F(InvokeStackTest, TruncationLeavesWhatWasOpenUnresolvedAndCountsTheRest) {
  Run({Invoke(kA, 1), "Program data: 0", Success(kA), Invoke(kB, 1), "Program data: 1", "Log truncated",
       "Program data: 2", Success(kB)});
  EXPECT_TRUE(stack_.truncated());
  EXPECT_EQ(stack_.lost_data_lines(), 1u);
  EXPECT_EQ(Data(0).outcome, InvocationOutcome::kSucceeded);
  EXPECT_EQ(Data(1).outcome, InvocationOutcome::kUnresolved);
}

TEST_F(InvokeStackTest, ContradictionsAttributeNothingFromThereOn) {
  for (const std::vector<std::string>& broken :
       std::vector<std::vector<std::string>>{{Success(kA)},
                                             {Invoke(kA, 2)},
                                             {Invoke(kA, 1), Invoke(kB, 1)},
                                             {Invoke(kA, 1), Success(kB)},
                                             {absl::StrCat("Program ", kA, " invoke [x]")},
                                             {absl::StrCat("Program ", kA, " invoke [")},
                                             {absl::StrCat("Program ", kA, " invoke [184467440737095516161]")}}) {
    std::vector<std::string> lines = broken;
    lines.insert(lines.end(), {Invoke(kA, 1), "Program data: x", Success(kA)});
    Run(lines);
    EXPECT_TRUE(stack_.malformed()) << broken.back();
    EXPECT_EQ(Data(0).program, "");
    EXPECT_EQ(Data(0).outcome, InvocationOutcome::kUnresolved);
  }
}

TEST_F(InvokeStackTest, DataOutsideAnyInvocationHasNoProgram) {
  Run({"Program data: x"});
  EXPECT_EQ(Data(0).program, "");
  EXPECT_EQ(Data(0).depth, 0);
  EXPECT_EQ(Data(0).outcome, InvocationOutcome::kUnresolved);
}

TEST_F(InvokeStackTest, DepthAndLinesAreBounded) {
  std::vector<std::string> lines;
  for (size_t depth = 1; depth <= InvokeStack::kMaxDepth + 1; ++depth)
    lines.push_back(Invoke(kA, static_cast<int>(depth)));
  Run(lines);
  EXPECT_TRUE(stack_.malformed());
  lines = {Invoke(kA, 1)};
  lines.insert(lines.end(), InvokeStack::kMaxDataLines + 3, "Program data: x");
  Run(lines);
  EXPECT_EQ(stack_.data_lines().size(), InvokeStack::kMaxDataLines);
  EXPECT_EQ(stack_.lost_data_lines(), 3u);
}

}  // namespace
}  // namespace tokenwatch::chain
