# Which files the checks look at; sourced. Tracked files and new ones, but not the bad examples of the lint rules, which
# are wrong on purpose. NUL-separated.
tracked() {
  git -C "$ROOT" -c safe.directory="$ROOT" ls-files -z --cached --others --exclude-standard -- "$@" \
    ':!tests/lint/bad' ':!tests/lint/good' | while IFS= read -r -d '' file; do
    [[ ! -f "$file" ]] || printf '%s\0' "$file"
  done
}
cpp_sources() { tracked '*.h' '*.cc'; }
shell_sources() { tracked '*.sh' dev .ci/run; }
python_sources() { tracked '*.py'; }
