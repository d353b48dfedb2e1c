# ./dev run: private PostgreSQL, detector, resolver, pricing, a replayed session and what was found; see ./dev help.
# shellcheck source=deploy/local/lib.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source=deploy/local/state.sh
source "$LOCAL/state.sh"
# shellcheck source=deploy/local/cluster.sh
source "$LOCAL/cluster.sh"
# shellcheck source=deploy/local/services.sh
source "$LOCAL/services.sh"
# shellcheck source=deploy/local/session.sh
source "$LOCAL/session.sh"
COMMAND_NAME=run

preset="${TOKENWATCH_PRESET:-release}"
BIN="${TOKENWATCH_BIN:-$ROOT/build/$preset/bin}"
recording="" live="" keep="" fresh="" seconds=0
while [[ $# -gt 0 ]]; do
  case "$1" in
    --live) live=1 ;;
    --keep) keep=1 ;;
    --fresh) fresh=1 ;;
    --recording=?*) recording="${1#*=}" ;;
    --seconds=?*) seconds="${1#*=}" ;;
    --recording | --seconds | --recording= | --seconds=)
      [[ $# -ge 2 && "$1" != *= ]] || die 64 "${1%=} needs a value: ./dev help says which"
      set -- "$1=$2" "${@:3}"
      continue
      ;;
    *) die 64 "\"$1\" is not an option of ./dev run: ./dev help lists them" ;;
  esac
  shift
done
[[ "$seconds" =~ ^[0-9]+$ ]] || die 64 "--seconds takes a whole number, not \"$seconds\""
[[ -z "$live" || -z "$recording" ]] || die 64 "--live and --recording exclude each other"
[[ -z "$recording" || (-f "$recording" && -r "$recording") ]] ||
  die 66 "$recording is not there or not readable: name a session with --recording=FILE"
[[ -z "$recording" ]] || recording="$(realpath -- "$recording")"

take_lock
if [[ -n "$(running_processes)" ]]; then
  die 75 "still running from ./dev run --keep: $(running_processes | paste -sd' '); stop with ./dev down"
fi
deps
programs=(tokenwatch-detector tokenwatch-resolver tokenwatch-pricing tokenwatch)
[[ -n "$live" || -n "$recording" ]] || programs+=(tokenwatch-sim tokenwatch-fake-upstreams)
[[ -n "${TOKENWATCH_BIN:-}" ]] || build "$preset" "${programs[@]}"
for program in "${programs[@]}"; do
  [[ -x "$BIN/$program" ]] || die 69 "$BIN/$program is missing: the build did not make it"
done

watching=""
stop_watching() { [[ -z "$watching" ]] || kill "$watching" 2>/dev/null || true; }

finish() {
  local code=$?
  trap '' INT TERM HUP
  trap - EXIT
  if [[ $code -ne 0 || -z "$keep" ]]; then
    stop_everything
  fi
  exit "$code"
}
interrupted=""
trap finish EXIT
trap 'interrupted=1; stop_watching; [[ -n "$live" && -n "$watching" ]] || exit 130' INT
trap 'stop_watching; exit 143' TERM
trap 'stop_watching; exit 129' HUP

began=$SECONDS
make_state_dirs
stop_everything  # what a run that was killed could not tidy up
[[ -z "$fresh" ]] || remove_cluster
start_cluster
make_databases

upstream_flags=() oracle_flags=()
if [[ -n "$live" ]]; then
  replaying="live feeds"
  start_detector pumpportal,solana
elif [[ -n "$recording" ]]; then
  replaying="replaying $recording"
  no_upstreams
  no_oracles
  start_detector recording "$recording"
else
  replaying="replaying a recorded and a simulated session"
  make_session
  no_oracles --reference_file="$REFERENCES"
  start_fake_upstreams
  start_detector recording "$SESSION"
fi
start_resolver "${upstream_flags[@]}"
start_pricing "${oracle_flags[@]}"
printf '{"detector":"%s","resolver":"%s","pricing":"%s"}\n' "$DETECTOR" "$RESOLVER" "$PRICING" >"$ENDPOINTS"
say "detector, resolver and pricing serve after $((SECONDS - began)) s; $replaying"

reach() {
  local socket port
  socket="$(cat "$RUN/pg.socket")" port="$(cat "$RUN/pg.port")"
  cat <<TEXT

Everything stays up:
  detector   gRPC $DETECTOR   metrics http://127.0.0.1:$(port_of detector http)/metrics
  resolver   gRPC $RESOLVER   metrics http://127.0.0.1:$(port_of resolver http)/metrics
  pricing    gRPC $PRICING   metrics http://127.0.0.1:$(port_of pricing http)/metrics
  client     ./dev cli hot     (or, in this directory, $BIN/tokenwatch hot)
  database   PGPASSFILE=$SECRETS/pgpass $PG_BIN/psql -h $socket -p $port -U postgres platform
  logs       $LOGS
  stop       ./dev down
TEXT
}

if [[ -z "$live" || -z "$keep" ]]; then
  watch_options=()
  [[ -z "$live" ]] || watch_options=(--live --seconds="$seconds")
  # In the background, because a shell that waits for a foreground program does not hear SIGTERM until that has ended.
  "$PYTHON" "$LOCAL/progress.py" --client="$BIN/tokenwatch" --detector="$DETECTOR" --resolver="$RESOLVER" \
    --pricing="$PRICING" --processes="$PROCESSES" "${watch_options[@]}" &
  watching=$!
  code=0
  wait "$watching" || code=$?
  watching=""
  if [[ $code -ne 0 && -z "$interrupted" ]]; then
    for name in detector resolver pricing; do
      is_alive "$name" || warn "$name is gone: $(last_words "$name") (log: $LOGS/$name.log)"
    done
    exit "$code"
  fi
  if [[ -n "$recording" ]]; then
    say "a replay asks nobody for names or prices: tokens without a name stay pending, and prices are in the asset they" \
      "were traded in"
  elif [[ -z "$live" ]]; then
    describe_session
  fi
  "$BIN/tokenwatch" summary --detector="$DETECTOR" --resolver="$RESOLVER" --pricing="$PRICING"
fi
[[ -z "$keep" ]] || reach
