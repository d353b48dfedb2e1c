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
SECONDS=0
worked=""
# ninja's own dry run cannot tell that there is nothing to do, because folders are searched for sources each time: what
# it prints says so. Its progress is one line that is written over in a terminal, and left out elsewhere.
show() {
  local line
  while IFS= read -r line; do
    case "$line" in
      "ninja: Entering directory"* | "ninja: no work to do." | *"Re-checking globbed directories..." | "") ;;
      "["*/*"] "*)
        [[ -n "$worked" || -t 1 ]] || say "building $dir with $jobs jobs"
        worked=1
        [[ ! -t 1 ]] || printf '\r\033[K%.*s' "$((${COLUMNS:-80} - 1))" "$line"
        ;;
      *)
        [[ ! -t 1 ]] || printf '\r\033[K'
        printf '%s\n' "$line"
        ;;
    esac
  done
  [[ -z "$worked" || ! -t 1 ]] || printf '\r\033[K'
}
show < <(ninja -C "$dir" -j "$jobs" "$@" 2>&1)
wait "$!" || die 70 "$preset does not build, see above"
[[ -z "$worked" ]] || say "built $dir in $SECONDS s"
