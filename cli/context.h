// What a command has to work with.
#pragma once

#include <functional>
#include <stop_token>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "cli/args.h"
#include "cli/clients.h"
#include "cli/endpoints.h"
#include "cli/output.h"
#include "cli/render/style.h"
#include "common/time/clock.h"

namespace tokenwatch::cli {

// The world outside the program; a test brings its own.
struct Environment {
  Sink& out;
  Sink& err;
  Terminal terminal;
  GetEnvironment variable;
  common::Clock& clock;
  std::stop_token stop;
  // Waits before a stream is opened again; returns early at a stop request.
  std::function<void(absl::Duration)> sleep;
  // A new name for a call that must not be done twice.
  std::function<std::string()> new_request_id;
};

class Context {
 public:
  // Everything must outlive the context. `catalogue` is what the completion scripts are made from.
  Context(const Catalogue& catalogue, const ParsedArgs& args, Environment& environment, Clients& clients)
      : catalogue_(catalogue), args_(args), environment_(environment), clients_(clients), json_(args.Has("json")) {}

  const Catalogue& catalogue() const { return catalogue_; }
  const ParsedArgs& args() const { return args_; }
  Clients& clients() { return clients_; }
  const Environment& environment() const { return environment_; }
  const Terminal& terminal() const { return environment_.terminal; }
  absl::Time now() const { return environment_.clock.Now(); }
  // Whether --json was given.
  bool json() const { return json_; }

  // Writes to the standard output; `text` must be sanitized (tables and JSON are).
  absl::Status Print(absl::string_view text) { return environment_.out.Write(text); }

  // One sanitized line on the standard error, behind "tokenwatch: ".
  void Note(absl::string_view text);

  // Asks for more patience than an error would: only when a person looks on.
  void Hint(absl::string_view text) {
    if (environment_.terminal.is_terminal && !json_) Note(text);
  }

 private:
  const Catalogue& catalogue_;
  const ParsedArgs& args_;
  Environment& environment_;
  Clients& clients_;
  const bool json_;
};

// One sanitized line on `sink`, behind "tokenwatch: ". What cannot be written is lost: there is nowhere else to say it.
void WriteNote(Sink& sink, absl::string_view text);

}  // namespace tokenwatch::cli
