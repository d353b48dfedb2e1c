"""Runs benchmarks and reports their figures beside goals and limits.

A benchmark prints JSON lines with the keys name, value, unit, goal, baseline_name, baseline_value; the last three may
be null. A goal is a number, or text such as "<= 10" or ">= 200000". For a plain number the unit says which way is
better: more per second is, more time, memory or calls is not. Other output is passed on to stderr.
"""

import argparse
import datetime
import json
import os
import platform
import re
import signal
import subprocess
import sys

KEYS = ("name", "value", "unit", "goal", "baseline_name", "baseline_value")


def goal_of(figure):
    """(comparison, number) of a figure's goal; None without one."""
    goal = figure.get("goal")
    if goal is None or goal == "":
        return None
    match = re.fullmatch(r"\s*(<=|>=)?\s*([0-9.eE+,_-]+)\s*", str(goal))
    if not match:
        raise ValueError(f"goal of {figure['name']} is neither a number nor a comparison: {goal!r}")
    number = float(match.group(2).replace(",", "").replace("_", ""))
    return match.group(1) or (">=" if figure["unit"].endswith("/s") else "<="), number


def is_met(figure):
    """Whether a figure meets its goal; None without one."""
    goal = goal_of(figure)
    if goal is None:
        return None
    return figure["value"] >= goal[1] if goal[0] == ">=" else figure["value"] <= goal[1]


def ratio_to_baseline(figure):
    baseline = figure.get("baseline_value")
    return figure["value"] / baseline if baseline else None


def number(value):
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 1000 or value == int(value) else f"{value:.3g}"


def table(figures):
    """The lines of a table with one row a figure."""
    rows = [("figure", "measured", "unit", "goal", "met", "ratio", "of")]
    for figure in figures:
        goal, ratio = goal_of(figure), ratio_to_baseline(figure)
        rows.append((figure["name"], number(figure["value"]), figure["unit"],
                     f"{goal[0]} {number(goal[1])}" if goal else "", {True: "yes", False: "NO", None: ""}[is_met(figure)],
                     f"{ratio:.2f}" if ratio is not None else "",
                     f"{figure.get('baseline_name')} ({number(figure['baseline_value'])})" if ratio is not None else ""))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    right = (1, 3, 5)
    lines = ["  ".join(cell.rjust(width) if column in right else cell.ljust(width)
                       for column, (cell, width) in enumerate(zip(row, widths))).rstrip() for row in rows]
    return [lines[0], "-" * max(len(line) for line in lines)] + lines[1:]


def machine():
    """What the figures were measured on."""
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        model = re.search(r"model name\s*:\s*(.*)", file.read())
    commit = subprocess.run(["git", "-c", "safe.directory=*", "describe", "--always", "--dirty", "--abbrev=12"],
                            capture_output=True, text=True, check=False).stdout.strip()
    return {"cpu": model.group(1) if model else platform.machine(), "cores": len(os.sched_getaffinity(0)),
            "kernel": platform.release(), "load_1m": os.getloadavg()[0], "commit": commit}


def run(program, figures):
    """Runs one benchmark, appends its figures; returns whether it succeeded."""
    name = os.path.basename(program)
    print(f"bench: running {name}", file=sys.stderr, flush=True)
    child = subprocess.Popen([program], stdout=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL)
    count, valid = 0, True
    try:
        for line in child.stdout:
            if not line.startswith("{"):
                sys.stderr.write(line)
                continue
            try:
                figure = json.loads(line)
                figure = {key: figure.get(key) for key in KEYS} | {"program": name}
                figure["value"] = float(figure["value"])
                figure["met"] = is_met(figure)
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                print(f"bench: {name} printed a line that is no figure ({error}): {line.strip()}", file=sys.stderr)
                valid = False
                continue
            figures.append(figure)
            count += 1
    finally:
        if sys.exc_info()[0]:
            child.terminate()
        code = child.wait()
    if code != 0:
        print(f"bench: {name} failed with exit code {code}", file=sys.stderr)
    elif count == 0:
        print(f"bench: {name} printed no figure", file=sys.stderr)
    return code == 0 and count > 0 and valid


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", required=True)
    parser.add_argument("programs", nargs="+")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))

    began = datetime.datetime.now(datetime.timezone.utc)
    figures = []
    failed = [os.path.basename(program) for program in options.programs if not run(program, figures)]
    print("\n".join(table(figures)))
    os.makedirs(options.results, exist_ok=True)
    path = os.path.join(options.results, began.strftime("%Y%m%dT%H%M%SZ") + ".json")
    with open(path, "w", encoding="utf-8") as file:
        json.dump({"began": began.isoformat(), "machine": machine(), "figures": figures, "failed": failed}, file, indent=1)
        file.write("\n")
    missed = sum(figure["met"] is False for figure in figures)
    print(f"bench: {len(figures)} figures, {missed} miss their goal; written to {path}")
    if failed:
        print(f"bench: failed: {', '.join(failed)}", file=sys.stderr)
        return 70
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
