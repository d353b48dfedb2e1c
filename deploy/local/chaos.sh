# ./dev chaos [ctest arguments]: the long chaos runs, one after the other because each wants the machine for itself.
# shellcheck source=deploy/local/lib.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"
deps
build release
exec ctest --test-dir build/release --output-on-failure --no-tests=error -L '^long$' "$@"
