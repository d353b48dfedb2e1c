# Shared by the commands of ./dev; sourced, never run. The working directory is the root of the checkout.
# Exit codes are those of sysexits.h: 64 usage, 66 missing input, 69 something needed is missing, 70 failure of our own
# programs, 75 busy: try again later.
set -euo pipefail

ROOT="$PWD"
LOCAL="$ROOT/deploy/local"
COMMAND_NAME="$(basename -- "${0%.sh}")"

say() { printf '%s: %s\n' "$COMMAND_NAME" "$*"; }
warn() { printf '%s: %s\n' "$COMMAND_NAME" "$*" >&2; }
die() {
  local code="$1"
  shift
  warn "$@"
  exit "$code"
}

is_root() { [[ "$(id -u)" -eq 0 ]]; }
jobs_count() { printf '%s' "${TOKENWATCH_JOBS:-$(nproc)}"; }

# Debian's interpreter where it is there: a version manager's shim in front of it costs 100 ms a start.
PYTHON=python3
[[ ! -x /usr/bin/python3 ]] || PYTHON=/usr/bin/python3
export PYTHONDONTWRITEBYTECODE=1

deps() { bash "$LOCAL/deps.sh"; }
build() { bash "$LOCAL/build.sh" "$@"; }
