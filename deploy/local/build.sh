# ./dev build [preset] [targets]: configures when needed and builds. Says nothing when there is nothing to do.
# shellcheck source=deploy/local/lib.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"
COMMAND_NAME=build

preset="${1:-dev}"
[[ $# -eq 0 ]] || shift
dir="build/$preset"
# shellcheck source=deploy/local/configure.sh
source "$LOCAL/configure.sh"
configure "$preset"

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
