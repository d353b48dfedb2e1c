# The whole suite under a sanitizer; sourced by asan.sh and tsan.sh.

# expect_report PROGRAM TEXT: a control must fail, and with the sanitizer's own report. One that passes shows that the
# run above proves nothing.
expect_report() {
  local output code=0
  output="$("$1" 2>&1)" || code=$?
  if [[ $code -eq 0 ]] || ! grep -q "$2" <<<"$output"; then
    die 70 "control $(basename -- "$1") was not caught (exit $code, no \"$2\"): the sanitizer is not at work"
  fi
  say "control $(basename -- "$1") was caught"
}

# sanitized_suite PRESET ctest arguments...: every test but the benchmarks and the long ones.
sanitized_suite() {
  local preset="$1"
  shift
  deps
  build "$preset"
  ctest --test-dir "build/$preset" --output-on-failure --no-tests=error -j "$(jobs_count)" -LE '^(bench|long)$' "$@" ||
    die 70 "tests fail under $preset, see above"
}
