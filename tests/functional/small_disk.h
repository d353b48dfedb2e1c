// A disk that can be filled. Mounting one takes a right that not every machine gives.
#pragma once

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string>
#include <utility>

#include <pwd.h>
#include <sys/mount.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace tokenwatch::functional {

// A small file system in memory. Unmounted at the end.
class SmallDisk {
 public:
  SmallDisk(std::filesystem::path at, absl::string_view size) : at_(std::move(at)) {
    std::filesystem::create_directory(at_);
    mounted_ = mount("tmpfs", at_.c_str(), "tmpfs", 0, Options(size).c_str()) == 0;
    if (!mounted_) why_not_ = std::strerror(errno);
  }
  ~SmallDisk() {
    if (mounted_) umount2(at_.c_str(), MNT_DETACH);
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;

  bool mounted() const { return mounted_; }
  const std::string& why_not() const { return why_not_; }
  const std::filesystem::path& path() const { return at_; }
  bool Resize(absl::string_view size) {
    return mount("tmpfs", at_.c_str(), "tmpfs", MS_REMOUNT, Options(size).c_str()) == 0;
  }

 private:
  static std::string Options(absl::string_view size) {
    // The server, which does not run as root, wants to own the directory of a tablespace.
    const passwd* const server = getpwnam("postgres");
    return absl::StrCat("mode=0777,uid=", server == nullptr ? geteuid() : server->pw_uid, ",size=", size);
  }

  const std::filesystem::path at_;
  bool mounted_ = false;
  std::string why_not_;
};

}  // namespace tokenwatch::functional
