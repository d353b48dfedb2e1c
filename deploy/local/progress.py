"""Follows a run: one updating line in a terminal, a line at the start and the end of it elsewhere.

A replay has ended when the detector's feed "recording" says "finished", pricing has folded all of the log, and the number
of pending tokens has come to rest: it is zero, or has not moved for SETTLE_S. Exit codes: 0 ended, 70 a service went away or its feed failed.
"""

import argparse
import json
import subprocess
import sys
import time

POLL_S = 0.25
SETTLE_S = 3.0
SETTLE_LIMIT_S = 120.0
CLIENT_LIMIT_S = 10.0


def field(message, name, default=0):
    """A field of a JSON message, whichever of protobuf's two spellings it has."""
    head, *tail = name.split("_")
    value = message.get(name, message.get(head + "".join(part.capitalize() for part in tail), default))
    # 64-bit integers are strings in protobuf's JSON.
    return int(value) if isinstance(default, int) and not isinstance(default, bool) else value


def read_status(options):
    """The status of the detector and of pricing as dicts; None for what cannot be had at the moment."""
    try:
        done = subprocess.run([options.client, "status", "--json", "--detector=" + options.detector,
                               "--resolver=" + options.resolver, "--pricing=" + options.pricing], capture_output=True, text=True,
                              timeout=CLIENT_LIMIT_S, check=False)
        # The client fails when one of the services does not answer, and still prints what the others said.
        answers = json.loads(done.stdout.splitlines()[0]) if done.stdout else {}
        return answers.get("detector"), answers.get("pricing")
    except (subprocess.TimeoutExpired, ValueError, OSError):
        return None, None


def process_gone(processes_file):
    """Name of a recorded process that no longer runs; None while all do."""
    with open(processes_file, encoding="utf-8") as lines:
        for line in lines:
            name, pid, ticks = line.split()
            try:
                with open(f"/proc/{pid}/stat", encoding="utf-8") as stat:
                    fields = stat.read().rpartition(") ")[2].split()
            except (FileNotFoundError, ProcessLookupError):
                return name
            if fields[0] == "Z" or fields[19] != ticks:
                return name
    return None


def has_folded(pricing, status):
    """Whether pricing has come to the end of the trade log."""
    return pricing is not None and field(pricing, "cursor") >= field(status, "trade_cursor")


def describe(status, pricing):
    feeds = field(status, "feeds", [])
    total = {key: sum(field(feed, key) for feed in feeds) for key in ("frames", "trades")}
    pending = field(status, "pending_tokens")
    return (f"frames {total['frames']:,}  trades {total['trades']:,}  "
            f"tokens {field(status, 'detected_tokens') + pending:,}  pending {pending:,}  "
            f"folded {field(pricing or {}, 'trades_folded'):,}")


class Line:
    """One line that is written over in a terminal, and left alone elsewhere."""

    def __init__(self, out):
        self._out = out
        self._terminal = out.isatty()
        self._shown = False

    def update(self, text):
        if self._terminal:
            self._out.write("\r\x1b[K" + text)
            self._out.flush()
            self._shown = True

    def end(self, text=None):
        if self._shown:
            self._out.write("\r\x1b[K")
        if text:
            self._out.write(text + "\n")
        self._out.flush()


class Rest:
    """Says when a number has come to rest."""

    def __init__(self):
        self._value = None
        self._since = self._began = time.monotonic()

    def reached(self, value):
        now = time.monotonic()
        if self._value is None:
            self._began = now
        if value != self._value:
            self._value, self._since = value, now
        return value == 0 or now - self._since >= SETTLE_S or now - self._began >= SETTLE_LIMIT_S


def follow(options, line):
    began = time.monotonic()
    rest = Rest()
    text = "no answer from the detector yet"
    while True:
        elapsed_s = time.monotonic() - began
        gone = process_gone(options.processes)
        if gone:
            line.end(text)
            print(f"run: {gone} went away after {elapsed_s:.0f} s", file=sys.stderr)
            return 70
        status, pricing = read_status(options)
        if status:
            text = describe(status, pricing)
            feeds = field(status, "feeds", [])
            failed = [feed for feed in feeds if feed.get("state") == "failed"]
            if failed and not options.live:
                line.end(text)
                print(f"run: feed {failed[0].get('name')} failed: {failed[0].get('detail')}", file=sys.stderr)
                return 70
            finished = any((feed.get("name"), feed.get("state")) == ("recording", "finished") for feed in feeds)
            at_rest = rest.reached(field(status, "pending_tokens")) if finished else False
            if at_rest and not options.live and has_folded(pricing, status):
                line.end(f"run: {text}  ({elapsed_s:.1f} s)")
                return 0
        line.update(f"{elapsed_s:5.0f} s  {text}")
        if options.live and 0 < options.seconds <= elapsed_s:
            line.end(f"run: {text}  ({elapsed_s:.1f} s)")
            return 0
        time.sleep(POLL_S)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--client", required=True)
    parser.add_argument("--detector", required=True)
    parser.add_argument("--resolver", required=True)
    parser.add_argument("--pricing", required=True)
    parser.add_argument("--processes", required=True)
    parser.add_argument("--live", action="store_true")
    parser.add_argument("--seconds", type=int, default=0)
    line = Line(sys.stdout)
    try:
        return follow(parser.parse_args(), line)
    except KeyboardInterrupt:
        line.end()
        return 130


if __name__ == "__main__":
    sys.exit(main())
