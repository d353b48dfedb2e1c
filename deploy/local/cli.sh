# ./dev cli arguments...: the client of the build that ./dev run makes, talking to the services it left running.
# shellcheck source=deploy/local/lib.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source=deploy/local/state.sh
source "$LOCAL/state.sh"
COMMAND_NAME=cli

client="${TOKENWATCH_BIN:-$ROOT/build/${TOKENWATCH_PRESET:-release}/bin}/tokenwatch"
[[ -x "$client" ]] || die 69 "$client is missing: ./dev run --keep builds it and starts what it talks to"
if [[ -z "${TOKENWATCH_ENDPOINTS:-}" && -f "$ENDPOINTS" ]]; then
  export TOKENWATCH_ENDPOINTS="$ENDPOINTS"
fi
exec "$client" "$@"
