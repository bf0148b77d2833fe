#!/usr/bin/env python3
"""The whole bench suite: runs every bench, keeps what it printed, and makes the report.

    suite.py BUILD [--quick] [--only NAME,...] [--to FOLDER] [--history]

BUILD/bench holds the programs.  FOLDER (default: BUILD/bench/results) gets NAME.jsonl, model.jsonl, walk-*.hgrm and report.html with its
pictures.  --history adds a line with the medians of this run to bench/results/history.jsonl, for the commit that is checked out.
`slugline bench` is this.  A bench that fails is said aloud, and the others run; exit status 1.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
LONGEST_S = 600


def benches(build, folder, quick):
    """Name, command; those with False stand only in the full run."""
    program = lambda name: str(build / "bench" / name)
    python = sys.executable
    every = [
        ("ring", [program("bench_ring")], True),
        ("parse", [program("bench_parse")], True),
        ("json", [program("bench_json")], True),
        ("journal", [program("bench_journal"), str(build / "slugline")], True),
        ("rx", [python, str(HERE / "rx.py"), program("bench_rx")], True),
        ("fanout", [program("bench_fanout")], True),
        ("queues", [program("bench_queues")], True),
        ("walk", [python, str(HERE / "walk.py"), program("bench_walk"), str(build / "slugline"), "--hgrm", str(folder)], True),
        ("linear", [program("bench_linear"), "--quick"], False),
    ]
    return [(name, command + (["--quick"] if quick else [])) for name, command, always in every if always or not quick]


def run(name, command, to):
    begin = time.monotonic()
    path = to / (name + ".jsonl")
    if not os.access(command[0], os.X_OK):
        print("bench: %-8s SKIPPED: %s was not built here" % (name, pathlib.Path(command[0]).name), flush=True)
        return True
    print("bench: %-8s" % name, end=" ", flush=True)
    with open(path, "w", encoding="utf-8") as out:
        try:
            done = subprocess.run(command, stdout=out, stderr=subprocess.PIPE, text=True, timeout=LONGEST_S)
            status, said = done.returncode, done.stderr
        except subprocess.TimeoutExpired:
            status, said = -1, "took more than %d s" % LONGEST_S
    lines = path.read_text(encoding="utf-8").splitlines()
    failure = "" if not status else "  FAILED: " + said.strip()[-300:]
    print("%5.1f s  %5d lines%s" % (time.monotonic() - begin, len(lines), failure), flush=True)
    for line in lines:
        if line.startswith("SKIPPED") or '"skipped"' in line or '"failed"' in line:
            print("       " + line[:200], flush=True)
    return not status


def commit():
    said = subprocess.run(["git", "-C", str(HERE), "rev-parse", "--short=12", "HEAD"], capture_output=True, text=True)
    return said.stdout.strip() or "unknown"


def main():
    parse = argparse.ArgumentParser(prog="slugline bench",
                                    description="How fast slugline is on this host, where the time goes, and beside what.")
    parse.add_argument("build", type=pathlib.Path, help=argparse.SUPPRESS)
    parse.add_argument("--quick", action="store_true", help="fewer and shorter rounds: a hint, and no verdict")
    parse.add_argument("--only", metavar="NAME,...", help="some benches: ring, parse, json, journal, rx, fanout, walk, linear")
    parse.add_argument("--to", metavar="FOLDER", type=pathlib.Path, help="where results and report go (bench/results beside the program)")
    parse.add_argument("--history", action="store_true", help="add this run's medians to bench/results/history.jsonl")
    args = parse.parse_args()
    to = args.to or args.build / "bench" / "results"
    to.mkdir(parents=True, exist_ok=True)
    every = benches(args.build, to, args.quick)
    only = args.only.split(",") if args.only else [name for name, _ in every]
    for name in only:
        if name not in [one for one, _ in benches(args.build, to, False)]:
            parse.error("%s is none of %s" % (name, ", ".join(one for one, _ in benches(args.build, to, False))))
    if not args.only:
        for old in to.glob("*.jsonl"):
            old.unlink()  # what an earlier run said is not this run's
    fine = True
    for name, command in every:
        if name in only:
            fine &= run(name, command, to)
    walk = to / "walk.jsonl"
    if walk.exists() and "walk" in only:
        with open(to / "model.jsonl", "w", encoding="utf-8") as out:
            fine &= not subprocess.run([sys.executable, str(HERE / "model.py"), str(walk)], stdout=out).returncode
    said = " ".join(["slugline bench", *sys.argv[2:]])
    report = [sys.executable, str(HERE / "report.py"), str(to), "--commit", commit(), "--command", said]
    fine &= not subprocess.run(report + (["--history"] if args.history else [])).returncode
    return 0 if fine else 1


sys.exit(main())
