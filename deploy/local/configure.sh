# configure PRESET: runs cmake when build/PRESET is not there yet or a folder got or lost its CMakeLists.txt; of edits
# inside one ninja takes care. Sourced after lib.sh.
configure() {
  local preset="$1" dir="build/$1" tool shape log
  for tool in cmake ninja; do
    command -v "$tool" >/dev/null || die 69 "$tool is missing: ./dev deps installs it"
  done
  case "$preset" in
    dev | release | asan | tsan | fuzz | clang) ;;
    *) die 64 "\"$preset\" is not a preset: dev, release, asan, tsan, fuzz, clang" ;;
  esac
  shape="$(find . -name CMakeLists.txt -not -path './build/*' -not -path './.run/*' -printf '%p\n' | sort | sha256sum)"
  if [[ -f "$dir/build.ninja" && "$(cat "$dir/.shape" 2>/dev/null)" == "$shape" ]]; then
    # Up to date before anybody asks ninja which targets there are.
    log="$(ninja -C "$dir" build.ninja 2>&1)" || die 70 "$dir cannot be configured again: $log"
    return 0
  fi
  say "configuring $dir"
  log="$(mktemp /tmp/tokenwatch-configure.XXXXXX)"
  if ! cmake --preset "$preset" >"$log" 2>&1; then
    cat "$log" >&2
    rm -f -- "$log"
    die 70 "cmake --preset $preset failed, see above"
  fi
  rm -f -- "$log"
  printf '%s\n' "$shape" >"$dir/.shape"
}
