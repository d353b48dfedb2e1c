# What ./dev run replays when no recording is named: the recorded session, and after it a market that tokenwatch-sim
# makes up, with names to find; sourced after state.sh.
RECORDED_SESSION="$ROOT/tests/fixtures/demo/session.jsonl.gz"
RECORDED_FRAMES=239
SIMULATED_LAUNCHES=300
SIMULATED_TRADES=30000
SIMULATED_SEED=1
SESSION="$RUN/session.jsonl.gz"
TRUTH="$RUN/truth.json"
REFERENCES="$RUN/references.jsonl"
LATENCY=50ms  # of each answer of the stand-ins for the public APIs

# The shares are far above what the real feeds show, because a short session should have some dozens of tokens that
# one feed missed and the other gave no name. Event time begins an hour after the last recorded frame.
make_session() {
  "$BIN/tokenwatch-sim" --seed="$SIMULATED_SEED" --launches="$SIMULATED_LAUNCHES" --trades="$SIMULATED_TRADES" \
    --wallets=800 --rate=50 --start=1789520400 --feeds=solana,pumpportal --solana_missing_share=0.3 \
    --pumpportal_nameless_share=0.6 --truth="$TRUTH" --out="$RUN/simulated.jsonl.gz" ||
    die 70 "the simulated session could not be written, see above"
  # Joined gzip streams are one stream.
  cat "$RECORDED_SESSION" "$RUN/simulated.jsonl.gz" >"$SESSION"
  "$PYTHON" "$LOCAL/references.py" --recorded="$RECORDED_SESSION" --simulated="$RUN/simulated.jsonl.gz" \
    --out="$REFERENCES" || die 70 "the reference prices could not be written, see above"
}

# The lines over the summary that say what of it is real.
describe_session() {
  local frames
  frames="$(gzip -dc "$RUN/simulated.jsonl.gz" | wc -l)"
  cat <<TEXT

recorded              $RECORDED_FRAMES frames of PumpPortal and of pump.fun's program logs (tests/fixtures/demo/ORIGIN.md)
simulated             $frames frames of both: $SIMULATED_LAUNCHES launches, $SIMULATED_TRADES trades (tokenwatch-sim --seed=$SIMULATED_SEED)
names found later     for simulated tokens, from stand-ins for the public sources that take $LATENCY to answer
still pending         recorded tokens, whose names were not recorded, and the simulated ones that nobody knows
SOL in USD            recorded part: what Jupiter said on 2026-07-03, taken for that day and the next; simulated part: made up
latencies             of a replay at full speed: mostly waiting in line

TEXT
}
