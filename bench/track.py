#!/usr/bin/env python3
"""How many instructions a bulletin costs, held against what it cost when that was last recorded.

    track.py BUILD             measures, and compares with bench/results/instructions.json; 1: something grew
    track.py BUILD --record    measures, and writes that file

Counted by callgrind, which needs no quiet machine and gives the same count every time: each format's own samples
(tests/wire) through `slugline parse`, inside sl_parse_next only, and a day of the simulator, inside the stages from
frame to tape.  More than 3 % above the record fails, with the functions that grew; and each time a record is made up in which one
function was cheaper, and a stage is slowed on purpose, to see that this is told.  Python 3.11, standard library only.
"""
import collections
import concurrent.futures
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
RECORD = ROOT / "bench/results/instructions.json"
ALLOWED = 0.03
NAMED = 12  # functions that a case's record keeps
OVERTAKEN = 10001  # bulletins of tests/sim/overtake.c, which every run of the simulator begins with
STAGES = ("sl_frame_take", "sl_frame_poll", "sl_decode_poll", "sl_desk_poll")


def callgrind(command, only):
    """Counts inside the functions of only.  (what the command printed, {function: instructions of its own})."""
    with tempfile.NamedTemporaryFile(prefix="slugline-track-") as out:
        options = ["--tool=callgrind", "--callgrind-out-file=" + out.name, "--compress-strings=no", "--compress-pos=no", "-q"]
        options += ["--toggle-collect=" + function for function in only]
        # What a test runner tells malloc to fill counts, too.
        calm = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")}
        done = subprocess.run(["valgrind", *options, *command], capture_output=True, text=True, timeout=900, cwd=ROOT, env=calm)
        if done.returncode not in (0, 1):  # 1: a sample that is refused, as it should be
            raise SystemExit("track: %s: exit %d\n%s" % (" ".join(command), done.returncode, done.stderr[-2000:]))
        return done.stdout, own_costs(pathlib.Path(out.name).read_text())


def own_costs(profile):
    """Valgrind manual, "Callgrind Format Specification": cost lines belong to the fn= above; the one behind calls= is the callee's."""
    costs, function, is_callee = collections.Counter(), "?", False
    for line in profile.splitlines():
        if line.startswith("fn="):
            function = re.sub(r"'\d+$|\.(constprop|isra|part|cold)\.?\d*", "", line[3:])
        elif line.startswith("calls="):
            is_callee = True
        elif line[:1].isdigit():
            if not is_callee:
                costs[function] += int(line.split()[1])
            is_callee = False
    return costs


def a_format(build, folder):
    samples = sorted(str(path.relative_to(ROOT)) for path in folder.glob("*.wire"))
    printed, costs = callgrind([str(build / "slugline"), "parse", "--format", folder.name, *samples], ["sl_parse_next"])
    return costs, printed.count("\n")


def a_day(build, seed, program="tests/sim/sim"):
    printed, costs = callgrind([str(build / program), "--seed", str(seed), "-v"], STAGES)
    return costs, int(re.search(r"(\d+) bulletins published", printed).group(1)) + OVERTAKEN


def case_of(costs, bulletins):
    assert bulletins > 0 and sum(costs.values()) > 0
    return {"bulletins": bulletins, "instructions": round(sum(costs.values()) / bulletins),
            "functions": {function: round(cost / bulletins) for function, cost in costs.most_common(NAMED)}}


def slowed(build, record):
    """A day in which a stage spins at each message (pipeline/slow.h): what compare must say of it, or a line that it did not."""
    os.environ["SLUGLINE_SLOW_STAGE"] = "desk"
    case = case_of(*a_day(build, 1, "bench/sim_slow"))
    told = "\n".join(compare(record, {"simulator": case}))
    is_told = re.search(r"simulator: .* more than .*\n    sl_slow:", told, re.S)
    return [] if is_told else ["a stage that was slowed on purpose was not told:\n" + told]


def measured(build):
    jobs = {"parse " + folder.name: (a_format, folder) for folder in sorted((ROOT / "tests/wire").iterdir()) if folder.is_dir()}
    jobs["simulator"] = (a_day, 1)
    cases = {}
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        running = {name: pool.submit(job, build, what) for name, (job, what) in jobs.items()}
        for name, future in running.items():
            costs, bulletins = future.result()
            cases[name] = case_of(costs, bulletins)
    return cases


def grown(name, was, now):
    """Lines that tell what grew by more than is allowed; none: nothing did."""
    if now["instructions"] <= was["instructions"] * (1 + ALLOWED):
        return []
    growth = {f: cost - was["functions"].get(f, 0) for f, cost in now["functions"].items()}
    lines = ["%s: %d instructions a bulletin, %.1f %% more than the %d on record" % (
        name, now["instructions"], 100 * (now["instructions"] / was["instructions"] - 1), was["instructions"])]
    for function, more in sorted(growth.items(), key=lambda item: -item[1])[:3]:
        if more > 0:
            before = was["functions"].get(function, "not among the first")
            lines.append("    %s: %d, was %s" % (function, now["functions"][function], before))
    return lines


def compare(record, cases):
    failures = []
    for name, now in cases.items():
        was = record["cases"].get(name)
        if not was or was["bulletins"] != now["bulletins"]:
            failures.append("%s: %s; look at it, then --record" % (name, "other samples than on record" if was else "not on record"))
            continue
        failures += grown(name, was, now)
        if now["instructions"] < was["instructions"] * (1 - ALLOWED):
            print("%s: %d instructions a bulletin, was %d: worth a --record" % (name, now["instructions"], was["instructions"]))
    return failures


def unnoticed(cases):
    """The cases that compare would pass, though their first function had cost a tenth of the whole less before."""
    record = json.loads(json.dumps({"cases": cases}))
    for case in record["cases"].values():
        first = next(iter(case["functions"]))
        case["functions"][first] -= case["instructions"] // 10
        case["instructions"] -= case["instructions"] // 10
    told = "\n".join(compare(record, cases))
    wanted = {name: r"%s: .*\n    %s:" % (re.escape(name), re.escape(next(iter(case["functions"])))) for name, case in cases.items()}
    return [name for name, line in wanted.items() if not re.search(line, told)]


def main():
    if shutil.which("valgrind") is None:
        print("SKIPPED: valgrind is not installed")
        return 77
    build, what = pathlib.Path(sys.argv[1]).resolve(), sys.argv[2:]
    cases = measured(build)
    if what == ["--record"]:
        compiler = subprocess.run(["cc", "--version"], capture_output=True, text=True).stdout.splitlines()[0]
        RECORD.write_text(json.dumps({"command": "bench/track.py build --record", "compiler": compiler, "cases": cases}, indent=1) + "\n")
        return 0
    record = json.loads(RECORD.read_text())
    failures = compare(record, cases) + slowed(build, record)
    for name, case in cases.items():
        print("%-24s %8d instructions a bulletin" % (name, case["instructions"]))
    failures += ["%s: a growth would not have been told" % name for name in unnoticed(cases)]
    print("\n".join(failures))
    return 1 if failures else 0


sys.exit(main())
