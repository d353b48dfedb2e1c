"""Writes what SOL was worth in USD during the session that ./dev run replays, in the recording format.

tests/fixtures/price_apis/jupiter_price_v3.json has what Jupiter said SOL was worth. By its slot (430,544,445; the recorded
program logs of 2026-07-04 11:38 begin with 430,727,484) that was in the afternoon of 2026-07-03, the day of the first
recorded frames. The value stands for the recorded trades of that day and the next, from source "jupiter-day"; for later
ones nothing is known. The simulated part takes place in a market that never was, and so does its SOL: a walk from the same
value in steps of a minute, from source "made-up". It is the same each time.
"""

import argparse
import gzip
import json
import os
import random
import sys

SOL = "So11111111111111111111111111111111111111112"
FIXTURE = os.path.join("tests", "fixtures", "price_apis", "jupiter_price_v3.json")
# Shorter than the age at which a reference no longer prices a trade.
RECORDED_STEP_S = 600
RECORDED_END_S = 1783209600  # 2026-07-05 00:00 UTC
SIMULATED_STEP_S = 60
SEED = 1
# Of the value, up or down, a minute.
LARGEST_STEP = 0.002


def times(recording):
    """When the frames of a recording were seen, in seconds."""
    with gzip.open(recording, "rt", encoding="utf-8") as lines:
        return [json.loads(line)["t"] for line in lines]


def line(time_s, usd, source):
    raw = json.dumps({"asset": "solana:" + SOL, "usd": usd, "source": source})
    return json.dumps({"t": time_s, "feed": "reference", "raw": raw}) + "\n"


def recorded(frames, usd):
    """One reference for each stretch of time that has frames."""
    known = (time for time in frames if time < RECORDED_END_S)
    steps = sorted({int(time // RECORDED_STEP_S) * RECORDED_STEP_S for time in known})
    return [line(step, f"{usd:.6f}", "jupiter-day") for step in steps]


def simulated(frames, usd):
    walk = random.Random(SEED)
    lines = []
    for time_s in range(int(min(frames)), int(max(frames)) + SIMULATED_STEP_S, SIMULATED_STEP_S):
        lines.append(line(time_s, f"{usd:.4f}", "made-up"))
        usd *= 1 + walk.uniform(-LARGEST_STEP, LARGEST_STEP)
    return lines


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recorded", required=True)
    parser.add_argument("--simulated", required=True)
    parser.add_argument("--out", required=True)
    options = parser.parse_args()
    with open(FIXTURE, encoding="utf-8") as file:
        usd = json.load(file)["body"][SOL]["usdPrice"]
    lines = recorded(times(options.recorded), usd) + simulated(times(options.simulated), usd)
    with open(options.out, "w", encoding="utf-8") as out:
        out.writelines(lines)
    return 0


if __name__ == "__main__":
    sys.exit(main())
