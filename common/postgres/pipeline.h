// Executions of prepared statements that do not wait for each other's answers: while the server is at work on one, the
// next is made and sent. The parameter of each is a large value in binary, such as a RecordArray.
//
// For many small statements that are known beforehand there is Batch.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/postgres/connection.h"

namespace tokenwatch::common {

// The transaction can do nothing else while it lives. Not thread-safe, as the connection is not.
class Pipeline {
 public:
  // `what` begins the message of an error.
  static absl::StatusOr<Pipeline> Begin(Transaction& transaction, std::string what);
  Pipeline(Pipeline&& other) noexcept;
  Pipeline& operator=(Pipeline&&) = delete;
  // Without Finish, the answers are thrown away.
  ~Pipeline();

  // Sends one execution of the session's statement of that name. What the server thinks of it is known in Finish;
  // UNAVAILABLE when the connection was lost. The parameter is needed no longer than the call.
  absl::Status Send(const char* statement, absl::string_view parameter);
  // Waits for all answers: how many rows each changed, in their order. After an error the transaction can only be
  // rolled back.
  absl::StatusOr<std::vector<int64_t>> Finish();

 private:
  Pipeline(Connection& connection, std::string what) : connection_(&connection), what_(std::move(what)) {}

  absl::Status Lost() const;

  // Null when there is nothing to end any more.
  Connection* connection_;
  std::string what_;
  // Executions that went out.
  size_t sent_ = 0;
};

}  // namespace tokenwatch::common
