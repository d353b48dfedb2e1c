// Asking the oracle from a loop, which has a thread of its own to wait with.
#pragma once

#include <optional>
#include <stop_token>
#include <vector>

#include "pricing/oracle/oracle.h"

namespace tokenwatch::pricing {

// The answers in the order of the questions, whose deadlines bound the wait; nullopt when stopped before.
std::optional<std::vector<OracleAnswer>> AskAndWait(Oracle& oracle, const std::vector<OracleQuestion>& questions,
                                                    const std::stop_token& stop);

}  // namespace tokenwatch::pricing
