# ./dev bench [names]: builds release, runs the benchmarks one after the other, prints each figure beside its goal and
# the limit or baseline measured with it, and keeps all of it in bench-results/. A figure that misses its goal is
# reported as it is; a benchmark that fails is an error.
# shellcheck source=deploy/local/lib.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"
deps
build release

programs=()
if [[ $# -eq 0 ]]; then
  mapfile -t programs < <(find build/release/bin -maxdepth 1 -type f -name '*_bench' -perm -u+x 2>/dev/null | sort)
  [[ ${#programs[@]} -gt 0 ]] || die 69 "there is no benchmark in build/release/bin"
fi
for name in "$@"; do
  program="build/release/bin/${name%_bench}_bench"
  [[ -x "$program" ]] || die 64 "there is no benchmark \"$name\": $program is missing"
  programs+=("$program")
done
export TOKENWATCH_SOURCE_DIR="$ROOT" TOKENWATCH_BINARY_DIR="$ROOT/build/release"
exec "$PYTHON" "$LOCAL/bench.py" --results=bench-results "${programs[@]}"
