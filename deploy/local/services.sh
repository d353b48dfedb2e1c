# Starts the detector, the resolver, pricing and, for a replay, stand-ins for the upstreams; sourced after state.sh. The contract
# with the programs: --listen and --http_listen may have port 0, --port_file gets {"grpc": port, "http": port} once both
# listen, /readyz answers 200 once the service serves, SIGTERM drains and exits 0.
READY_LIMIT_S=30

port_of() { sed -n "s/.*\"$2\": *\([0-9][0-9]*\).*/\1/p" "$RUN/$1.ports" | head -n 1; }

# http_status PORT PATH: the status code; nothing when nobody answers.
http_status() {
  local code=""
  {
    exec 8<>"/dev/tcp/127.0.0.1/$1" || return 0
    printf 'GET %s HTTP/1.0\r\nHost: localhost\r\n\r\n' "$2" >&8
    read -t 2 -r _ code _ <&8 || true
    exec 8>&-
  } 2>/dev/null
  printf '%s' "$code"
}

# What a service said last, for the one line that explains why it is gone: the message alone where the line is JSON.
last_words() {
  tail -n 1 "$LOGS/$1.log" 2>/dev/null |
    sed -e 's/^{.*"message": *"\(\([^"\\]\|\\.\)*\)".*/\1/' -e 's/\\"/"/g' | cut -c 1-600
}

# wait_for NAME PORT_KEY [PATH]: until the program wrote its ports and, with PATH, answers 200 there.
wait_for() {
  local name="$1" key="$2" path="${3:-}" deadline=$((SECONDS + READY_LIMIT_S)) port=""
  while [[ $SECONDS -lt $deadline ]]; do
    is_alive "$name" || die 70 "$name stopped while starting: $(last_words "$name") (log: $LOGS/$name.log)"
    if [[ -s "$RUN/$name.ports" ]]; then
      port="$(port_of "$name" "$key")"
      if [[ -n "$port" ]] && [[ -z "$path" || "$(http_status "$port" "$path")" == 200 ]]; then
        return 0
      fi
    fi
    sleep 0.02
  done
  die 70 "$name is not ready after $READY_LIMIT_S s: $(last_words "$name") (log: $LOGS/$name.log)"
}

# spawn_program NAME arguments...: a binary of this build, its port file fresh.
spawn_program() {
  local name="$1"
  shift
  rm -f -- "$RUN/$name.ports"
  : >"$LOGS/$name.log"
  spawn "$name" "$BIN/tokenwatch-$name" --port_file="$RUN/$name.ports" "$@"
}

# What all services are started with. No balancer has to hear of their end: they need not serve on after SIGTERM.
service_flags=(--listen=127.0.0.1:0 --http_listen=127.0.0.1:0 --drain_grace=0s)

# start_detector FEEDS [RECORDING]
start_detector() {
  local feed_flags=(--feeds="$1")
  [[ -z "${2:-}" ]] || feed_flags+=(--recording="$2")
  spawn_program detector --dsn_file="$SECRETS/detector.dsn" "${service_flags[@]}" "${feed_flags[@]}"
  wait_for detector http /readyz
  # shellcheck disable=SC2034  # read by run.sh
  DETECTOR="127.0.0.1:$(port_of detector grpc)"
}

# start_resolver flags...: flags say which upstreams to ask; without any, the public ones.
start_resolver() {
  spawn_program resolver --dsn_file="$SECRETS/resolver.dsn" "${service_flags[@]}" --detector="$DETECTOR" "$@"
  wait_for resolver http /readyz
  # shellcheck disable=SC2034  # read by run.sh
  RESOLVER="127.0.0.1:$(port_of resolver grpc)"
}

# start_pricing flags...: flags say which oracles to ask; without any, the public ones.
start_pricing() {
  spawn_program pricing --dsn_file="$SECRETS/pricing.dsn" "${service_flags[@]}" --detector="$DETECTOR" "$@"
  wait_for pricing http /readyz
  # shellcheck disable=SC2034  # read by run.sh
  PRICING="127.0.0.1:$(port_of pricing grpc)"
}

# no_oracles flags...: a replay asks nobody what tokens are worth. Fills oracle_flags for pricing. Its minutes pass in a
# second, so rows are written sooner than by default: else a short session would leave nothing to look at.
no_oracles() {
  # shellcheck disable=SC2034  # read by run.sh
  oracle_flags=(--providers= --flush_interval=1s --row_interval=1m "$@")
}

# A replay is offline. Names come from stand-ins for the public sources that know the tokens of the simulated session,
# or, of a recording of one's own, from nobody. Fill upstream_flags for the resolver.
start_fake_upstreams() {
  spawn_program fake-upstreams --truth="$TRUTH" --latency="$LATENCY"
  wait_for fake-upstreams solana
  # shellcheck disable=SC2034  # read by run.sh
  upstream_flags=(--solana_rpc_url="http://127.0.0.1:$(port_of fake-upstreams solana)/"
    --dexscreener_url="http://127.0.0.1:$(port_of fake-upstreams dexscreener)"
    --ipfs_gateway_url="http://127.0.0.1:$(port_of fake-upstreams ipfs)/ipfs/" --uri_allowed_addresses=127.0.0.1
    --uri_only_hosts=127.0.0.1)
}

no_upstreams() {
  # Port 9 is discard, where nobody listens. Source uri is left out: it would follow strangers' links.
  # shellcheck disable=SC2034  # read by run.sh
  upstream_flags=("--sources=onchain,dexscreener" --solana_rpc_url=http://127.0.0.1:9/
    --dexscreener_url=http://127.0.0.1:9)
}
