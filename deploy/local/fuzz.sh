# ./dev fuzz [seconds] [--runs=N] [names]: runs the fuzz targets under clang's libFuzzer with AddressSanitizer, as many
# at a time as there are cores. Inputs that were worth keeping stay in build/fuzz-corpus.
# shellcheck source=deploy/local/lib.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source=deploy/local/configure.sh
source "$LOCAL/configure.sh"
DEFAULT_RUNS=10000000
MAX_INPUT_BYTES=65536
MEMORY_LIMIT_MB=1024

seconds="" runs="" names=()
for argument in "$@"; do
  case "$argument" in
    --runs=*) runs="${argument#*=}" ;;
    -*) die 64 "\"$argument\" is not an option of ./dev fuzz: ./dev help lists them" ;;
    *[!0-9]*) names+=("$argument") ;;
    *) seconds="$argument" ;;
  esac
done
[[ "${runs:-0}" =~ ^[0-9]+$ ]] || die 64 "--runs takes a whole number, not \"$runs\""
[[ -n "$seconds" || -n "$runs" ]] || runs="$DEFAULT_RUNS"

deps
configure fuzz
# Everything that tw_fuzz declares is built into fuzzers/.
mapfile -t targets < <(ninja -C build/fuzz -t targets all | sed -n 's/^\(fuzzers\/[^:]*\): .*EXECUTABLE_LINKER.*/\1/p' | sort)
if [[ ${#names[@]} -gt 0 ]]; then
  chosen=()
  for name in "${names[@]}"; do
    mapfile -t match < <(printf '%s\n' "${targets[@]}" | grep -x "fuzzers/$name" || true)
    [[ ${#match[@]} -gt 0 ]] || die 64 "there is no fuzz target \"$name\""
    chosen+=("${match[@]}")
  done
  targets=("${chosen[@]}")
fi
[[ ${#targets[@]} -gt 0 ]] || die 69 "there is no fuzz target in this checkout"
build fuzz "${targets[@]}" fuzz_write_seeds
build/fuzz/bin/fuzz_write_seeds build/fuzz-corpus/seeds >/dev/null || die 70 "the seeds could not be written"

limits=(-max_len="$MAX_INPUT_BYTES" -rss_limit_mb="$MEMORY_LIMIT_MB" -print_final_stats=1)
[[ -z "$runs" ]] || limits+=(-runs="$runs")
[[ -z "$seconds" ]] || limits+=(-max_total_time="$seconds")

# fuzz_one TARGET: becomes the target's program (call it in the background); its corpus grows in build/fuzz-corpus;
# the seeds, made from the fixtures, are only read.
fuzz_one() {
  local name corpus seeds=()
  name="$(basename -- "$1")"
  corpus="build/fuzz-corpus/$name"
  mkdir -p "$corpus" "build/fuzz-corpus/crashes"
  [[ ! -d "build/fuzz-corpus/seeds/${name#fuzz_}" ]] || seeds=("build/fuzz-corpus/seeds/${name#fuzz_}")
  exec "build/fuzz/$1" "${limits[@]}" -artifact_prefix="build/fuzz-corpus/crashes/$name-" "$corpus" "${seeds[@]}" \
    >"build/fuzz-corpus/$name.log" 2>&1
}

declare -A running=() # name by process
failed=() failures_total=0
trap 'kill "${!running[@]}" 2>/dev/null || true; wait' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
# Waits for whichever ends first, so that a slow target holds up one slot only.
report_one() {
  local pid="" name inputs code=0
  wait -n -p pid "${!running[@]}" || code=$?
  name="${running[$pid]}"
  unset "running[$pid]"
  if [[ $code -eq 0 ]]; then
    inputs="$(sed -n 's/^stat::number_of_executed_units: *//p' "build/fuzz-corpus/$name.log")"
    say "$name: ${inputs:-?} inputs, no finding"
  else
    warn "$name: FAILED; build/fuzz-corpus/$name.log, input in build/fuzz-corpus/crashes"
    failed+=("$name")
    failures_total=$((failures_total + 1))
  fi
}
for target in "${targets[@]}"; do
  [[ ${#running[@]} -lt "$(jobs_count)" ]] || report_one
  fuzz_one "$target" &
  running["$!"]="$(basename -- "$target")"
done
while [[ ${#running[@]} -gt 0 ]]; do
  report_one
done
[[ $failures_total -eq 0 ]] || die 70 "$failures_total of ${#targets[@]} fuzz targets failed: ${failed[*]}"
