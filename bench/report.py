#!/usr/bin/env python3
"""One page that shows what a run of the suite found: goals, throughput beside peers and limits, latency curves, where the time goes, how
it grows, what the model says, and how it was at earlier commits.

    report.py FOLDER [--commit NAME] [--history]

Reads FOLDER/*.jsonl; writes FOLDER/report.html, and pictures where gnuplot is installed.  --history adds the run to results/history.jsonl.

The page needs nothing from outside.  A goal is met, near (nine tenths of it) or missed; what was not measured is said, not left out.
"""
import argparse
import datetime
import html
import json
import math
import pathlib
import shutil
import subprocess

HERE = pathlib.Path(__file__).resolve().parent
HISTORY = HERE / "results" / "history.jsonl"
COLOURS = ("#0b6e99", "#c4521b", "#3d7d2c", "#8b3fa0", "#a8861b", "#54616e", "#b3275a")


# ---- what was printed ----

class Run:
    def __init__(self, folder):
        self.rows, self.machine, self.skipped = {}, {}, []
        for path in sorted(folder.glob("*.jsonl")):
            rows = []
            for line in path.read_text(encoding="utf-8").splitlines():
                if not line.startswith("{"):
                    self.skipped.append((path.stem, line))
                    continue
                row = json.loads(line)
                if "cpu" in row and "kernel" in row:
                    self.machine = row
                elif "skipped" in row or "failed" in row:
                    self.skipped.append((path.stem, row.get("skipped") or "FAILED: " + row["failed"]))
                else:
                    rows.append(row)
            self.rows[path.stem] = rows

    def find(self, bench, **wanted):
        return [row for row in self.rows.get(bench, []) if all(row.get(key) == value for key, value in wanted.items())]

    def one(self, bench, key, **wanted):
        found = [row[key] for row in self.find(bench, **wanted) if key in row]
        return found[0] if found else None


def parse_ratio(run, case, parser, bench="parse", who="slugline bulletin"):
    ours, theirs = (run.one(bench, "mb_s", case=case, parser=name) for name in (who, parser))
    return ours / theirs if ours and theirs else None


def goals(run):
    """(what, measured or None, goal, True: at least)."""
    for case in ("nitf", "newsmlg2", "newsml1"):
        for peer, goal in (("pugixml in situ", 2), ("expat SAX", 9), ("libxml2 SAX2", 5), ("lxml", 25)):
            yield "%s into bulletins, times %s" % (case, peer), parse_ratio(run, case, peer), goal, True
    yield "ninjs into bulletins, times simdjson", parse_ratio(run, "bulletin", "simdjson on-demand", "json"), 1.0, True
    for case in ("iptc7901", "anpa1312", "zczc", "wmo"):
        yield "%s into bulletins, share of the scan" % case, parse_ratio(run, case, "limit: memchr"), 0.08, True
    ring = lambda case, who: run.one("ring", "median", case=case, who=who, unit="slugline's rate to its", place="near")
    yield "ring, 8 B by 32, times rte_ring", ring("8 B, batches of 32", "rte_ring"), 1.0, True
    yield "ring, 8 B singly, times ck_ring", ring("8 B, one at a time", "ck_ring"), 2.5, True
    yield "ring, 8 B singly, times rte_ring", ring("8 B, one at a time", "rte_ring"), 2.5, True
    yield "ring, 64 B by 32, times rte_ring", ring("64 B, batches of 32", "rte_ring"), 1.3, True
    yield "ring, 4 KB, times rte_ring", ring("4 KB, one at a time", "rte_ring"), 0.95, True
    trip = run.one("ring", "median", case="round trip halved, p50", who="slugline", unit="times the line")
    yield "ring, half a round trip, lines", trip, 1.25, False
    for path, peer in (("dpdk", "testpmd"), ("kernel", "recvmmsg")):
        for who in ("slugline",) if path == "dpdk" else ("slugline-uring",):
            for size in (200, 1400):
                ratio = run.one("rx", "of_" + peer, path=path, who=who, size=size)
                yield "receive by %s, %d B, times %s" % (path, size, peer), ratio, 0.5, True
    for readers in (1, 2, 4):
        case = "2 KB to %d" % readers
        for unit, goal in (("times the best peer", 15), ("times the bare ring", 0.6)):
            ratio = run.one("fanout", "median", case=case, who="libslugline, in place", unit=unit)
            yield "fan-out %s, %s" % (case, unit), ratio, goal, True
    for row in run.rows.get("walk", []) + run.rows.get("journal", []) + run.rows.get("fanout", []):
        if "median" in row and ("goal" in row or "goal_at_most" in row):
            what = ", ".join(str(row[key]) for key in ("group", "case", "who", "unit") if key in row)
            yield what, row["median"], row.get("goal", row.get("goal_at_most")), "goal" in row


# ---- drawing ----

def svg(width, height, inside):
    return '<svg viewBox="0 0 %d %d" role="img" xmlns="http://www.w3.org/2000/svg">%s</svg>' % (width, height, "".join(inside))


def text(x, y, said, anchor="start", small=False):
    return '<text x="%.1f" y="%.1f" text-anchor="%s"%s>%s</text>' % (x, y, anchor, ' class="small"' if small else "", html.escape(said))


def number(value):
    if value is None:
        return "–"
    if abs(value) >= 1e6:
        return "%.3g M" % (value / 1e6)
    if abs(value) >= 1e4:
        return "%.3g k" % (value / 1e3)
    return "%.0f" % value if abs(value) >= 100 else "%.3g" % value


def bars(rows, unit):
    """rows: (who, median, min, max).  A bar to the median, a whisker from least to most."""
    if not rows:
        return ""
    most, left, width, line = max(high for _, _, _, high in rows) or 1, 230, 520, 22
    out = []
    for i, (who, median, low, high) in enumerate(rows):
        y = i * line + 4
        at = lambda value: left + width * value / most
        own = who.startswith("slugline") or who.startswith("libslugline")
        out.append(text(left - 8, y + 12, who, "end"))
        out.append('<rect x="%d" y="%d" width="%.1f" height="14" class="%s"/>' %
                   (left, y, max(at(median) - left, 1), "own" if own else "peer"))
        out.append('<path d="M%.1f %d V%d M%.1f %d H%.1f M%.1f %d V%d" class="whisker"/>' %
                   (at(low), y + 3, y + 11, at(low), y + 7, at(high), at(high), y + 3, y + 11))
        out.append(text(at(high) + 6, y + 12, number(median), small=True))
    out.append(text(left, len(rows) * line + 16, unit, small=True))
    return svg(left + width + 90, len(rows) * line + 22, out)


def ticks(low, high):
    return [10.0 ** power for power in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)]


def curves(series, unit):
    """series: (name, [(percent, value)]).  Percentiles by how many more nines, values by powers of ten."""
    series = [(name, [(p, v) for p, v in points if v > 0 and p < 100]) for name, points in series]
    series = [(name, points) for name, points in series if len(points) > 1]
    if not series:
        return ""
    values = [v for _, points in series for _, v in points]
    low, high = 10 ** math.floor(math.log10(min(values))), 10 ** math.ceil(math.log10(max(values)))
    nines = max(-math.log10(1 - p / 100) for _, points in series for p, _ in points) or 1
    left, top, width, height = 70, 10, 560, 280
    x = lambda p: left + width * -math.log10(1 - p / 100) / nines
    y = lambda v: top + height * (1 - math.log10(v / low) / math.log10(high / low))
    out = []
    for tick in ticks(low, high):
        if low <= tick <= high:
            out.append('<path d="M%d %.1f H%d" class="grid"/>' % (left, y(tick), left + width))
            out.append(text(left - 6, y(tick) + 4, number(tick), "end", True))
    for p in (0, 90, 99, 99.9, 99.99, 99.999):
        if -math.log10(1 - p / 100) <= nines + 1e-9:
            out.append('<path d="M%.1f %d V%d" class="grid"/>' % (x(p), top, top + height))
            out.append(text(x(p), top + height + 16, "%g %%" % p, "middle", True))
    for i, (name, points) in enumerate(series):
        colour = COLOURS[i % len(COLOURS)]
        path = " ".join("%s%.1f %.1f" % ("L" if j else "M", x(p), y(v)) for j, (p, v) in enumerate(points))
        out.append('<path d="%s" fill="none" stroke="%s" stroke-width="1.8"/>' % (path, colour))
        out.append('<rect x="%d" y="%d" width="12" height="4" fill="%s"/>' % (left + width + 14, top + 8 + 20 * i, colour))
        out.append(text(left + width + 32, top + 14 + 20 * i, name, small=True))
    out.append(text(left, top + height + 34, unit, small=True))
    return svg(left + width + 250, top + height + 40, out)


def stacks(rows, parts, unit):
    """rows: (who, {part: value}).  What it is made of, from left to right."""
    rows = [(who, values) for who, values in rows if sum(values.values()) > 0]
    if not rows:
        return ""
    left, width, line = 190, 560, 24
    most = max(sum(values.values()) for _, values in rows)
    out = []
    for i, (who, values) in enumerate(rows):
        at = left
        out.append(text(left - 8, i * line + 16, who, "end"))
        for j, part in enumerate(parts):
            wide = width * values.get(part, 0) / most
            out.append('<rect x="%.1f" y="%d" width="%.1f" height="16" fill="%s"><title>%s: %s</title></rect>' %
                       (at, i * line + 4, wide, COLOURS[j % len(COLOURS)], html.escape(part), number(values.get(part, 0))))
            at += wide
        out.append(text(at + 6, i * line + 16, number(sum(values.values())), small=True))
    for j, part in enumerate(parts):
        x = left + 130 * (j % 5)
        y = len(rows) * line + 14 + 18 * (j // 5)
        out.append('<rect x="%d" y="%d" width="10" height="10" fill="%s"/>' % (x, y, COLOURS[j % len(COLOURS)]))
        out.append(text(x + 14, y + 9, part, small=True))
    bottom = len(rows) * line + 14 + 18 * ((len(parts) - 1) // 5 + 1)
    out.append(text(left, bottom + 14, unit, small=True))
    return svg(left + width + 90, bottom + 20, out)


def table(head, rows):
    def cell(value):
        return '<td class="n">%s</td>' % number(value) if isinstance(value, (int, float)) else "<td>%s</td>" % html.escape(str(value))
    lines = ["".join("<th>%s</th>" % html.escape(one) for one in head)] + ["".join(map(cell, row)) for row in rows]
    return "<table>%s</table>" % "".join("<tr>%s</tr>" % line for line in lines)


# ---- the sections ----

def goal_rows(run):
    for what, measured, goal, at_least in goals(run):
        state = "not measured"
        if measured is not None:
            share = measured / goal if at_least else goal / measured if measured > 0 else 1
            state = "met" if share >= 1 else "near" if share >= 0.9 else "missed"
        yield what, measured, "%s %g" % ("at least" if at_least else "at most", goal), state


def section_goals(run):
    rows = list(goal_rows(run))
    counted = {state: sum(row[3] == state for row in rows) for state in ("met", "near", "missed", "not measured")}
    line = '<tr class="%s"><td>%s</td><td class="n">%s</td><td>%s</td><td>%s</td></tr>'
    body = "".join(line % (state.split()[0], html.escape(what), number(measured), goal, state) for what, measured, goal, state in rows)
    said = ", ".join("%d %s" % (cnt, state) for state, cnt in counted.items() if cnt)
    return "<p>%s.</p><table><tr><th>ratio in the same run</th><th>measured</th><th>goal</th><th></th></tr>%s</table>" % (said, body)


def section_parsing(run):
    out = []
    for bench in ("parse", "json"):
        for case in dict.fromkeys(row["case"] for row in run.rows.get(bench, []) if "mb_s" in row):
            rows = [row for row in run.find(bench, case=case) if "mb_s" in row]
            limits = [row for row in rows if row["parser"].startswith("limit")]
            rows = [(row["parser"], row["mb_s"], row["mb_s_min"], row["mb_s_max"]) for row in rows if row not in limits]
            out.append("<h3>%s</h3>%s" % (html.escape(case), bars(rows, "MB/s, one core")))
            if limits:
                said = ", ".join("%s %s MB/s" % (row["parser"][7:], number(row["mb_s"])) for row in limits)
                out.append("<p>Limits of the same bytes: %s.</p>" % said)
    return "".join(out)


def section_cases(run, bench, where="case"):
    out = []
    pairs = dict.fromkeys((row.get(where), row.get("unit")) for row in run.rows.get(bench, []) if "median" in row and row.get(where))
    for case, unit in pairs:
        rows = [(row.get("who", ""), row["median"], row["min"], row["max"]) for row in run.rows[bench]
                if row.get(where) == case and row.get("unit") == unit and "median" in row and row.get("place", "near") == "near"]
        if len(rows) > 1:
            out.append("<h3>%s</h3>%s" % (html.escape(str(case)), bars(rows, unit)))
    return "".join(out)


def section_receive(run):
    out = []
    rows = [row for row in run.rows.get("rx", []) if "median_per_s" in row]
    for path, size in dict.fromkeys((row["path"], row["size"]) for row in rows):
        of = [(row["who"], row["median_per_s"], row["min_per_s"], row["max_per_s"]) for row in rows
              if (row["path"], row["size"]) == (path, size)]
        unit = "datagrams a second" + (" of processor time" if path == "pcap" else "")
        out.append("<h3>%s, %d bytes</h3>%s" % (path, size, bars(of, unit)))
    return "".join(out)


def section_rates(run):
    rows = [(row["who"], row["median"], row["min"], row["max"]) for row in run.find("walk", group="rate", unit="messages/s")]
    return bars(rows, "messages of 2 KB a second; syslog-ng relays lines and parses nothing") if rows else ""


def latency_rows(run):
    return [row for row in run.find("walk", group="latency") if row["due"]["all"]["count"]]


FROM_DUE = "microseconds from when a message was due until it was read"


def in_us(hist):
    return [(percent, ns / 1000) for percent, ns in hist["curve"]]


def section_latency(run):
    rows, out = latency_rows(run), []
    for shape in dict.fromkeys(row["shape"] for row in rows):
        series = [("%d %% of the rate, %s/s" % (row["load_percent"], number(row["per_s"])), in_us(row["due"]["all"]))
                  for row in rows if row["shape"] == shape]
        out.append("<h3>%s</h3>%s" % (html.escape(shape), curves(series, FROM_DUE)))
    lanes = [("%s, %d %%" % (lane, row["load_percent"]), in_us(row["due"][lane])) for row in rows
             if row["shape"] == "steady" and row["load_percent"] in (50, 95) for lane in ("flash", "normal", "bulk")]
    out.append("<h3>by lane, steady</h3>%s" % curves(lanes, FROM_DUE))
    wakes = [(row["who"], in_us(row["due"])) for row in run.find("walk", group="wake") if "due" in row]
    out.append("<h3>after a silence: 500 a second</h3>%s" % curves(wakes, FROM_DUE))
    pings = [(row["who"], in_us(row[key])) for row in run.find("walk", group="ping") for key in ("whole", "gaps") if key in row]
    out.append("<h3>one thread sends and looks, everybody spins</h3>%s" %
               curves(pings, "microseconds; the loop that only reads the clock shows what the host takes away"))
    return "".join(out)


PARTS = ("wire-rx", "rx-framed", "framed-decoded", "decoded-published", "published-read")


def section_stages(run):
    out = []
    for shape in dict.fromkeys(row["shape"] for row in latency_rows(run)):
        rows = [("%d %% of the rate" % row["load_percent"], {part: row["stages"]["normal"][part]["p50"] / 1000 for part in PARTS})
                for row in latency_rows(run) if row["shape"] == shape]
        out += ["<h3>by the receipts, lane normal, p50: %s</h3>" % html.escape(shape), stacks(rows, PARTS, "microseconds")]
    costs = {}
    for row in run.find("walk", group="stages", unit="ns"):
        if row["stage"] != "parse alone":
            costs.setdefault("%s, %d B" % (row["format"], row["size"]), {})[row["stage"]] = row["median"]
    parts = list(dict.fromkeys(part for values in costs.values() for part in values))
    out += ["<h3>one after the other on one thread</h3>", stacks(list(costs.items()), parts, "ns a message")]
    return "".join(out)


def section_scale(run):
    rows = [(row["cores"], row["lines"], row["size"], row["measured"], row["predicted"], row["measured_to_predicted"], row["bound"])
            for row in run.find("model", model="rate")]
    if not rows:
        return ""
    head = ("processors", "lines", "bytes", "measured, messages/s", "model", "measured / model", "what bounds it, says the model")
    out = [table(head, rows)]
    late = [("%d %%" % row["load_percent"], row["measured_ns"] / 1000, row["predicted_ns"] / 1000, row["measured_to_predicted"])
            for row in run.find("model", model="latency")]
    if late:
        out.append(table(("load", "measured p50, us", "model, us", "measured / model"), late))
    hosts = [(row["cores"], row["lines"], row["predicted"], row["predicted_ns_at_half"] / 1000, row["bound"])
             for row in run.find("model", model="host")]
    out.append("<p>A model's figures, for hosts that nobody measured:</p>")
    out.append(table(("processors", "lines", "messages of 2 KB/s", "us at half of it", "what bounds it"), hosts))
    return "".join(out)


def section_limits(run):
    rows = [(row["limit"], row["median"], row["min"], row["max"], row["unit"]) for row in run.find("walk", group="limits")]
    return table(("limit", "median", "least", "most", "unit"), rows) if rows else ""


# ---- history ----

def medians(run):
    kept = {what: round(measured, 4) for what, measured, _, _ in goal_rows(run) if measured is not None}
    for row in run.find("walk", group="rate", unit="messages/s"):
        kept["rate, " + row["who"]] = row["median"]
    return kept


def history():
    return [json.loads(line) for line in HISTORY.read_text(encoding="utf-8").splitlines()] if HISTORY.exists() else []


def add_history(run, commit, command):
    entry = {"date": datetime.date.today().isoformat(), "commit": commit, "cpu": run.machine.get("cpu"),
             "kernel": run.machine.get("kernel"), "command": command, "medians": medians(run)}
    with open(HISTORY, "a", encoding="utf-8") as out:
        out.write(json.dumps(entry) + "\n")


def section_history(run):
    entries = history()
    if not entries:
        return "<p>No run was kept yet: slugline bench --history keeps one.</p>"
    now = medians(run)
    head = ["ratio"] + ["%s %s" % (entry["date"][5:], entry["commit"][:7]) for entry in entries[-6:]] + ["now"]
    rows = [[what] + [entry["medians"].get(what, "–") for entry in entries[-6:]] + [value] for what, value in now.items()]
    return table(head, rows)


# ---- the page ----

STYLE = """
body{font:15px/1.45 system-ui,sans-serif;max-width:900px;margin:2em auto;padding:0 1em;color:#1c2127;background:#fff}
h1{font-size:1.5em}h2{margin-top:2em;border-bottom:1px solid #ccd2d8}h3{margin:1.2em 0 .3em;font-size:1em}
svg{width:100%;height:auto}text{font:12px system-ui,sans-serif;fill:#1c2127}text.small{font-size:11px;fill:#54616e}
.own{fill:#0b6e99}.peer{fill:#a9b4bf}.whisker{stroke:#1c2127;stroke-width:1;fill:none}.grid{stroke:#dde2e7;stroke-width:1}
table{border-collapse:collapse;margin:.6em 0;font-size:13px}td,th{padding:2px 9px;border-bottom:1px solid #e3e7eb;text-align:left}
td.n{text-align:right;font-variant-numeric:tabular-nums}tr.met td:last-child{color:#2b6d1b}tr.near td:last-child{color:#8a6b00}
tr.missed td:last-child{color:#b3261e;font-weight:600}tr.not td{color:#7b858f}
@media (prefers-color-scheme:dark){body{background:#14181c;color:#dfe5ea}text{fill:#dfe5ea}text.small{fill:#94a1ad}.whisker{stroke:#dfe5ea}
.grid{stroke:#2b333b}.peer{fill:#56626e}.own{fill:#39a3d1}td,th{border-color:#2b333b}h2{border-color:#3a444d}
tr.met td:last-child{color:#7cc46a}tr.near td:last-child{color:#d9b84a}tr.missed td:last-child{color:#ff8a80}}
"""

SECTIONS = (("Goals", section_goals), ("The whole walk", section_rates), ("Latency", section_latency),
            ("Where the time goes", section_stages), ("How it grows, and the model", section_scale), ("Parsing", section_parsing),
            ("Rings", lambda run: section_cases(run, "ring")), ("Receiving", section_receive),
            ("Fan-out", lambda run: section_cases(run, "fanout")), ("Journal", lambda run: section_cases(run, "journal")),
            ("Limits of this machine", section_limits), ("Earlier runs", section_history))


def page(run, commit):
    names = ("cpu", "kernel", "governor", "huge_pages_free", "spectre_v2", "compiler")
    facts = ", ".join("%s: %s" % (name.replace("_", " "), run.machine[name]) for name in names if run.machine.get(name))
    out = ["<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>",
           "<title>slugline bench</title>",
           "<style>%s</style><h1>slugline bench</h1>" % STYLE,
           "<p>%s, commit %s, version %s. %s.</p>" % tuple(html.escape(one) for one in (
               datetime.date.today().isoformat(), commit, run.machine.get("version", ""), facts)),
           "<p>Bars end at the median of several runs; whiskers reach from the least to the most. Ratios are of the same run: this "
           "machine's figures say nothing of another's.</p>"]
    if run.skipped:
        said = "; ".join("%s: %s" % (html.escape(name), html.escape(why[:160])) for name, why in run.skipped[:20])
        out.append("<p>Not measured: %s.</p>" % said)
    for title, section in SECTIONS:
        inside = section(run)
        if inside:
            out.append("<h2>%s</h2>%s" % (title, inside))
    return "".join(out) + "</html>\n"


LATENCY = """$d << EOD
%s
EOD
set logscale xy
set xlabel '1 / (1 - percentile)'
set ylabel 'us from due to read'
set grid
set key top left title 'load'
plot %s
"""
RATE = """$d << EOD
%s
EOD
set style fill solid 0.7
set boxwidth 0.6
set yrange [0:*]
set ylabel 'messages of 2 KB/s'
set grid y
unset key
plot $d using 0:2:xtic(1) with boxes, $d using 0:2:3:4 with yerrorbars lc 'black'
"""


def pictures(run, folder):
    """The two that people paste elsewhere: latency by percentile, and the whole walk beside its peer."""
    if not shutil.which("gnuplot"):
        print("report: no pictures: gnuplot is not installed (gnuplot-nox)")
        return
    steady = [row for row in latency_rows(run) if row["shape"] == "steady"]
    if steady:
        data = "\n\n".join("\n".join("%g %g" % (1 / (1 - p / 100), us) for p, us in in_us(row["due"]["all"])) + "\n" for row in steady)
        plots = ["$d index %d with lines lw 2 title '%d %%'" % (i, row["load_percent"]) for i, row in enumerate(steady)]
        draw(folder / "latency.png", LATENCY % (data, ", ".join(plots)))
    rates = run.find("walk", group="rate", unit="messages/s")
    if rates:
        names = [row["who"].replace(", ", ",\\n").replace(" without", "\\nwithout") for row in rates]
        lines = ['"%s" %g %g %g' % (name, row["median"], row["min"], row["max"]) for name, row in zip(names, rates)]
        draw(folder / "rate.png", RATE % "\n".join(lines))


def draw(path, script):
    head = "set terminal pngcairo size 900,520 font 'sans,11'\nset output '%s'\n" % path
    done = subprocess.run(["gnuplot"], input=head + script, text=True, capture_output=True)
    if done.returncode:
        print("report: %s: %s" % (path.name, done.stderr.strip()[-200:]))


def main():
    parse = argparse.ArgumentParser()
    parse.add_argument("folder", type=pathlib.Path)
    parse.add_argument("--commit", default="unknown")
    parse.add_argument("--history", action="store_true")
    parse.add_argument("--command", default="bench/report.py --history", help="what made these results, for the history")
    args = parse.parse_args()
    run = Run(args.folder)
    if not any(run.rows.values()):
        raise SystemExit("report: nothing was measured in %s" % args.folder)
    (args.folder / "report.html").write_text(page(run, args.commit), encoding="utf-8")
    pictures(run, args.folder)
    if args.history:
        add_history(run, args.commit, args.command)
    counted = {}
    for _, _, _, state in goal_rows(run):
        counted[state] = counted.get(state, 0) + 1
    print("report: %s; goals: %s" % (args.folder / "report.html", ", ".join("%d %s" % (cnt, state) for state, cnt in counted.items())))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
