# ./dev build [preset] [targets]: configures when needed and builds. Says nothing when there is nothing to do.
# shellcheck source=deploy/local/lib.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"
COMMAND_NAME=build

preset="${1:-dev}"
[[ $# -eq 0 ]] || shift
dir="build/$preset"

for tool in cmake ninja; do
  command -v "$tool" >/dev/null || die 69 "$tool is missing: ./dev deps installs it"
done
case "$preset" in
  dev | release | asan | tsan | fuzz | clang) ;;
  *) die 64 "\"$preset\" is not a preset: dev, release, asan, tsan, fuzz, clang" ;;
esac

# ninja notices edited CMake files by itself, but not a folder that has just got its first one.
shape="$(find . -name CMakeLists.txt -not -path './build/*' -not -path './.run/*' -printf '%p\n' | sort | sha256sum)"
if [[ ! -f "$dir/build.ninja" || "$(cat "$dir/.shape" 2>/dev/null)" != "$shape" ]]; then
  say "configuring $dir"
  log="$(mktemp /tmp/tokenwatch-configure.XXXXXX)"
  if ! cmake --preset "$preset" >"$log" 2>&1; then
    cat "$log" >&2
    rm -f -- "$log"
    die 70 "cmake --preset $preset failed, see above"
  fi
  rm -f -- "$log"
  printf '%s\n' "$shape" >"$dir/.shape"
fi

jobs="$(jobs_count)"
if [[ "$(ninja -C "$dir" -n "$@" 2>/dev/null | tail -n 1)" == "ninja: no work to do." ]]; then
  exit 0
fi
SECONDS=0
if [[ -t 1 ]]; then
  ninja -C "$dir" -j "$jobs" "$@" || die 70 "$preset does not build, see above"
else
  say "building $dir with $jobs jobs"
  ninja -C "$dir" -j "$jobs" --quiet "$@" || die 70 "$preset does not build, see above"
fi
say "built $dir in $SECONDS s"
