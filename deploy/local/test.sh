# ./dev test [ctest arguments]: installs what is missing, builds, runs every test but the benchmarks and the long ones.
# shellcheck source=deploy/local/lib.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"
deps
build dev
exec ctest --test-dir build/dev --output-on-failure --no-tests=error -j "$(jobs_count)" -LE '^(bench|long)$' "$@"
