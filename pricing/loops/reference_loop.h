// What quote assets are worth, as time goes on: the replica that writes asks the oracles and stores what it hears; the
// others read that, so that all price alike.
#pragma once

#include <functional>
#include <optional>
#include <stop_token>
#include <utility>
#include <vector>

#include "pricing/loops/context.h"

namespace tokenwatch::pricing {

// The reference that an answer makes; nullopt when it has no price.
std::optional<Reference> ReferenceFrom(const chain::TokenRef& asset, const OracleAnswer& answer);

// Run by one thread.
class ReferenceLoop {
 public:
  // Thread-safe.
  using IsWriter = std::function<bool()>;
  ReferenceLoop(const LoopContext& context, IsWriter is_writer)
      : context_(context), is_writer_(std::move(is_writer)), read_at_(context.clock.Now()) {}

  void Run(const std::stop_token& stop);
  // Once.
  void Step(const std::stop_token& stop);

 private:
  std::vector<OracleQuestion> Questions() const;
  void ReadOthers();

  const LoopContext context_;
  const IsWriter is_writer_;
  // When the others' were read last.
  absl::Time read_at_;
};

}  // namespace tokenwatch::pricing
