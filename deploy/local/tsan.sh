# ./dev tsan [ctest arguments]: the whole suite under ThreadSanitizer, then its controls.
# shellcheck source=deploy/local/lib.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source=deploy/local/sanitize.sh
source "$LOCAL/sanitize.sh"
# Debian's gRPC, protobuf and Abseil are not instrumented. Calls from within them are ignored by module, and how they
# synchronize is told by tests/sanitizers/foreign_sync.cc; suppressing race:libgrpc instead hides races of our own code
# that gRPC's threads run.
export TSAN_OPTIONS="${TSAN_OPTIONS:-ignore_noninstrumented_modules=1:halt_on_error=1:second_deadlock_stack=1}"
sanitized_suite tsan "$@"
expect_report build/tsan/bin/data_race_control 'ThreadSanitizer: data race'
expect_report build/tsan/bin/grpc_race_control 'ThreadSanitizer: data race'
