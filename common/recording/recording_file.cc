#include "common/recording/recording_file.h"

#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <utility>
#include <vector>

#include <openssl/sha.h>
#include <simdjson.h>
#include <zlib.h>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace tokenwatch::common {
namespace {

constexpr size_t kReadBytes = 256 * 1024;
constexpr size_t kIdentityBytes = 64 * 1024;

absl::StatusOr<std::string> IdentityOf(const std::string& path) {
  std::FILE* file = std::fopen(path.c_str(), "rb");
  if (file == nullptr) {
    const std::string message = absl::StrCat("recording ", path, " cannot be read: ", std::strerror(errno));
    return errno == EACCES ? absl::PermissionDeniedError(message) : absl::NotFoundError(message);
  }
  const absl::Cleanup close = [file] { std::fclose(file); };
  std::string head(kIdentityBytes, '\0');
  head.resize(std::fread(head.data(), 1, head.size(), file));
  if (std::ferror(file) != 0) {
    return absl::NotFoundError(absl::StrCat("recording ", path, " cannot be read: ", std::strerror(errno)));
  }
  std::fseek(file, 0, SEEK_END);
  absl::StrAppend(&head, "/", std::ftell(file));
  unsigned char digest[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(head.data()), head.size(), digest);
  return absl::BytesToHexString(absl::string_view(reinterpret_cast<const char*>(digest), 16));
}

}  // namespace

class RecordingReader::Impl {
 public:
  Impl(gzFile file, std::string path) : file_(file), path_(std::move(path)) { gzbuffer(file_, kReadBytes); }
  ~Impl() { gzclose(file_); }

  // Makes line_ hold the next line; false at the end.
  absl::StatusOr<bool> Next(uint64_t line_number) {
    line_.clear();
    while (true) {
      if (begin_ == end_) {
        const int got = gzread(file_, buffer_.data(), static_cast<unsigned>(buffer_.size()));
        if (got < 0) return Damaged(line_number);
        if (got == 0) {
          // A gzip stream that just stops is cut: zlib reports it only when asked.
          int error = Z_OK;
          gzerror(file_, &error);
          if (error == Z_BUF_ERROR) return Damaged(line_number);
          return !line_.empty();
        }
        begin_ = 0;
        end_ = static_cast<size_t>(got);
      }
      const char* from = buffer_.data() + begin_;
      const char* newline = static_cast<const char*>(std::memchr(from, '\n', end_ - begin_));
      const size_t size = newline == nullptr ? end_ - begin_ : static_cast<size_t>(newline - from);
      const size_t room = kMaxLineBytes - std::min(kMaxLineBytes, line_.size());
      line_.append(from, std::min(size, room));
      begin_ += size;
      if (newline != nullptr) {
        ++begin_;
        return true;
      }
    }
  }

  const std::string& line() const { return line_; }

 private:
  absl::Status Damaged(uint64_t line_number) {
    int error = Z_OK;
    const char* message = gzerror(file_, &error);
    return absl::DataLossError(absl::StrCat("recording ", path_, " is damaged or cut after line ", line_number, " (",
                                            error == Z_BUF_ERROR ? "unexpected end of file" : message,
                                            "): record it again or cut it at a whole line"));
  }

  gzFile file_;
  const std::string path_;
  std::vector<char> buffer_ = std::vector<char>(kReadBytes);
  size_t begin_ = 0;
  size_t end_ = 0;
  std::string line_;
};

RecordingReader::RecordingReader(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
RecordingReader::~RecordingReader() = default;

absl::StatusOr<std::unique_ptr<RecordingReader>> RecordingReader::Open(const std::string& path) {
  auto identity = IdentityOf(path);
  if (!identity.ok()) return identity.status();
  gzFile file = gzopen(path.c_str(), "rb");
  if (file == nullptr) return absl::NotFoundError(absl::StrCat("recording ", path, " cannot be opened"));
  std::unique_ptr<RecordingReader> reader(new RecordingReader(std::make_unique<Impl>(file, path)));
  reader->identity_ = *std::move(identity);
  return reader;
}

absl::StatusOr<absl::string_view> RecordingReader::NextLine() {
  const auto more = impl_->Next(lines_);
  if (!more.ok()) return more.status();
  if (!*more) return absl::OutOfRangeError("the recording has ended");
  ++lines_;
  return absl::string_view(impl_->line());
}

class RecordedFrameParser::Impl {
 public:
  absl::StatusOr<RecordedFrame> Parse(absl::string_view line) {
    padded_.reserve(line.size() + simdjson::SIMDJSON_PADDING);
    padded_.assign(line.data(), line.size());
    RecordedFrame frame;
    bool has_time = false;
    bool has_raw = false;
    simdjson::ondemand::document document;
    simdjson::ondemand::object object;
    if (parser_.iterate(padded_.data(), padded_.size(), padded_.capacity()).get(document) != simdjson::SUCCESS ||
        document.get_object().get(object) != simdjson::SUCCESS) {
      return Bad("it is no JSON object");
    }
    for (auto field : object) {
      std::string_view key;
      if (field.unescaped_key().get(key) != simdjson::SUCCESS) return Bad("it is no JSON object");
      if (key == "t" || key == "t_wall") {
        double seconds = 0;
        if (field.value().get_double().get(seconds) != simdjson::SUCCESS) return Bad("its time is no number");
        if (!(std::abs(seconds) < 1e11)) return Bad("its time is out of range");
        frame.received_at = absl::FromUnixMicros(std::llround(seconds * 1e6));
        has_time = true;
      } else if (key == "feed" || key == "raw") {
        std::string_view text;
        if (field.value().get_string().get(text) != simdjson::SUCCESS) return Bad("its feed or raw is no text");
        (key == "raw" ? frame.raw : frame.feed) = absl::string_view(text.data(), text.size());
        has_raw |= key == "raw";
      }
    }
    if (!has_time || !has_raw) return Bad("it lacks \"t\" or \"raw\"");
    return frame;
  }

 private:
  static absl::Status Bad(absl::string_view why) {
    return absl::InvalidArgumentError(absl::StrCat("not a line of a recording: ", why));
  }

  simdjson::ondemand::parser parser_;
  std::string padded_;
};

RecordedFrameParser::RecordedFrameParser() : impl_(std::make_unique<Impl>()) {}
RecordedFrameParser::~RecordedFrameParser() = default;

absl::StatusOr<RecordedFrame> RecordedFrameParser::Parse(absl::string_view line) { return impl_->Parse(line); }

void AppendRecordedFrame(const RecordedFrame& frame, std::string& out) {
  const int64_t micros = absl::ToUnixMicros(frame.received_at);
  absl::StrAppendFormat(&out, "{\"t\":%d.%06d,\"feed\":\"%s\",\"raw\":\"", micros / 1'000'000, micros % 1'000'000,
                        frame.feed);
  for (const char c : frame.raw) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(c);
    } else if (byte < 0x20) {
      absl::StrAppendFormat(&out, "\\u%04x", byte);
    } else {
      out.push_back(c);
    }
  }
  out.append("\"}\n");
}

}  // namespace tokenwatch::common
