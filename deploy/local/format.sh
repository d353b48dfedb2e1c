# ./dev format: clang-format over every tracked C++ source.
# shellcheck source=deploy/local/lib.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source=deploy/local/sources.sh
source "$LOCAL/sources.sh"
command -v clang-format >/dev/null || die 69 "clang-format is missing: ./dev deps installs it"
cpp_sources | xargs -0 -r clang-format -i
