# ./dev asan [ctest arguments]: the whole suite under AddressSanitizer and UndefinedBehaviorSanitizer, then its controls.
# shellcheck source=deploy/local/lib.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source=deploy/local/sanitize.sh
source "$LOCAL/sanitize.sh"
export ASAN_OPTIONS="${ASAN_OPTIONS:-detect_leaks=1:detect_stack_use_after_return=1:strict_string_checks=1}"
export UBSAN_OPTIONS="${UBSAN_OPTIONS:-print_stacktrace=1:halt_on_error=1}"
sanitized_suite asan "$@"
expect_report build/asan/bin/heap_overflow_control 'AddressSanitizer: heap-buffer-overflow'
expect_report build/asan/bin/undefined_behavior_control 'runtime error: signed integer overflow'
