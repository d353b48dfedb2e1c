#include "common/testing/temp_dir.h"

#include <fstream>

#include <gtest/gtest.h>

namespace tokenwatch::common {
namespace {

TEST(TempDirTest, IsRemovedWithItsContents) {
  std::filesystem::path path;
  {
    const TempDir dir;
    const TempDir other;
    path = dir.path();
    EXPECT_NE(path, other.path());
    std::filesystem::create_directory(path / "folder");
    std::ofstream(path / "folder" / "file") << "text";
    EXPECT_TRUE(std::filesystem::exists(path / "folder" / "file"));
  }
  EXPECT_FALSE(std::filesystem::exists(path));
}

}  // namespace
}  // namespace tokenwatch::common
