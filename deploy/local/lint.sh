# ./dev lint [--all] [--base=REF]: formatting, scripts, layering and API rules over everything; clang-tidy over what
# differs from REF (default: main, or else everything), with --all over everything. What clang-tidy passed once is
# remembered by content, so only changed files cost time. Every kind of check runs before the verdict.
# shellcheck source=deploy/local/lib.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source=deploy/local/sources.sh
source "$LOCAL/sources.sh"
# shellcheck source=deploy/local/configure.sh
source "$LOCAL/configure.sh"

base=main
for argument in "$@"; do
  case "$argument" in
    --all) base="" ;;
    --base=*) base="${argument#*=}" ;;
    *) die 64 "\"$argument\" is not an option of ./dev lint: ./dev help lists them" ;;
  esac
done
deps

failed=()
check() {
  local name="$1"
  shift
  SECONDS=0
  if "$@"; then
    say "$name: clean ($SECONDS s)"
  else
    failed+=("$name")
  fi
}

check_format() { cpp_sources | xargs -0 -r clang-format --dry-run -Werror; }

check_scripts() {
  local file status=0
  while IFS= read -r -d '' file; do
    bash -n "$file" || status=1
  done < <(shell_sources)
  python_sources | xargs -0 -r "$PYTHON" -c '
import ast, sys
for path in sys.argv[1:]:
    with open(path, encoding="utf-8") as file:
        ast.parse(file.read(), path)' || status=1
  return "$status"
}

# clang-tidy reads the compile commands of the clang preset; of the build itself it needs only what is generated.
check_tidy() {
  local generated
  configure clang
  mapfile -t generated < <(ninja -C build/clang -t targets all |
    sed -n 's/^\([^:]*\(\.pb\.h\|cmake_pch\.hxx\.pch\)\): .*/\1/p')
  [[ ${#generated[@]} -eq 0 ]] || ninja -C build/clang --quiet -j "$(jobs_count)" "${generated[@]}" || return 1
  cpp_sources | "$PYTHON" "$LOCAL/tidy.py" --build=build/clang --jobs="$(jobs_count)" --base="$base"
}

check "formatting" check_format
check "scripts" check_scripts
check "rules" "$PYTHON" tests/lint/layering.py
check "clang-tidy" check_tidy
[[ ${#failed[@]} -eq 0 ]] || die 70 "not clean: $(printf '%s, ' "${failed[@]}" | sed 's/, $//')"
