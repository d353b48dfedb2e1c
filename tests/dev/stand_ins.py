"""Stand-ins for the programs that ./dev run starts, as far as it can tell. usage: stand_ins.py PROGRAM arguments...

STAND_IN_FAIL=PROGRAM makes that one end at once with a log line; STAND_IN_ENDLESS makes the replay last for ever.
"""

import gzip
import http.server
import json
import os
import signal
import sys
import time


def service(name, flags):
    if os.environ.get("STAND_IN_FAIL") == name:
        print(json.dumps({"severity": "ERROR", "message": f"{name}: table \"x\" is missing", "service": name}))
        return 78
    with open(flags["dsn_file"], encoding="utf-8") as file:
        assert "dbname=platform" in file.read()
    if "feeds" in flags and flags["feeds"] == "recording":
        with (gzip.open if flags["recording"].endswith(".gz") else open)(flags["recording"], "rt") as lines:
            print(json.dumps({"message": f"recording of {sum(1 for _ in lines)} lines"}), flush=True)

    class Ready(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200 if self.path == "/readyz" else 404)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Ready)
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    with open(flags["port_file"] + ".new", "w", encoding="utf-8") as file:
        json.dump({"grpc": server.server_port, "http": server.server_port}, file)
    os.rename(flags["port_file"] + ".new", flags["port_file"])
    server.serve_forever()
    return 0


def simulator(flags):
    with gzip.open(flags["out"], "wt") as out, open(flags["truth"], "w", encoding="utf-8") as truth:
        out.write('{"t": 1789520400, "feed": "solana", "raw": ""}\n' * 3)
        truth.write("{}")
    return 0


def upstreams(flags):
    assert os.path.exists(flags["truth"])
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    with open(flags["port_file"] + ".new", "w", encoding="utf-8") as file:
        json.dump({"solana": 1, "dexscreener": 2, "ipfs": 3}, file)
    os.rename(flags["port_file"] + ".new", flags["port_file"])
    while True:
        signal.pause()


def client(command):
    if command == "status":
        state = "live" if os.environ.get("STAND_IN_ENDLESS") else "finished"
        feed = {"name": "recording", "state": state, "frames": "1200", "launches": "7", "trades": "1100"}
        print(json.dumps({"resolver": None, "pricing": {"cursor": "1100", "trades_folded": "1100"},
                          "detector": {"detected_tokens": "7", "pending_tokens": "0", "trade_cursor": "1100",
                                       "feeds": [feed]}}))
    elif command == "summary":
        print("SUMMARY tokens detected 7")
    return 0


def main():
    name = sys.argv[1]
    flags = dict(argument[2:].split("=", 1) for argument in sys.argv[2:] if argument.startswith("--") and "=" in argument)
    if name == "tokenwatch":
        return client(next(argument for argument in sys.argv[2:] if not argument.startswith("-")))
    return {"tokenwatch-sim": simulator, "tokenwatch-fake-upstreams": upstreams}.get(
        name, lambda flags: service(name, flags))(flags)


if __name__ == "__main__":
    sys.exit(main())
