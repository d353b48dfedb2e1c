// Pricing that follows a log while it is written, with a gate between it and each of its peers.
#pragma once

#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "absl/time/time.h"
#include "common/testing/tcp_gate.h"
#include "tests/functional/pricing_bed.h"

namespace tokenwatch::functional {

class PricingUnderFault : public ::testing::Test {
 protected:
  // Of each message between the detector and its database while pricing starts or finds the log again, so that the
  // session outlasts that on any machine.
  static constexpr absl::Duration kSlowPace = absl::Milliseconds(30);

  // Ends when pricing has written a part of the session, the rest of which goes on coming.
  void SetUp() override;

  // A detector that goes on with the session where the log ends.
  bool StartDetector();
  // Pricing through both of its gates.
  void StartPricing();
  // The log is not complete yet, so that the fault to come has something to spoil.
  void ExpectUnderWay();
  // What is in memory is answered, whatever the database does.
  void ExpectServesFromMemory();
  // Waits until the checkpoint in the database has come to `cursor`.
  bool AwaitWritten(uint64_t cursor, absl::Duration limit);
  uint64_t Written();
  // After the fault: pricing folds to the end of the session, answers, writes, takes small writes, and ends in order;
  // its tables are those of an undisturbed run over the same log.
  void ExpectRecovered();

  PricingBed bed_;
  Session session_;
  std::string recording_;
  // Between the detector and the database: sets the pace at which the log grows.
  std::unique_ptr<common::TcpGate> pace_;
  // Between pricing and the database, and pricing and the detector.
  std::unique_ptr<common::TcpGate> database_;
  std::unique_ptr<common::TcpGate> log_;
  std::unique_ptr<Service> pricing_;
};

}  // namespace tokenwatch::functional
