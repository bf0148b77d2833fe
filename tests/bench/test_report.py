"""What the report and the model say of runs that are made up, so that it is known what they have to say.

test_report.py BENCH_FOLDER
"""
import html.parser
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

BENCH = pathlib.Path(sys.argv.pop(1))
sys.dont_write_bytecode = True
sys.path.insert(0, str(BENCH))
import model
import report

MACHINE = {"bench": "walk", "cpu": "a <fast> one", "kernel": "6.1", "version": "0"}
COSTS = {"send": 1000, "receive": 500, "frame": 500, "decode": 3000, "desk": 2000, "read": 1000}
CURVE = [[0.0, 1000.0], [50.0, 2000.0], [90.0, 5000.0], [99.0, 90000.0]]


def hist(p50):
    return {"count": 100, "p50": p50, "curve": CURVE}


def stages(size, factor=1):
    return [{"bench": "walk", "group": "stages", "stage": stage, "format": "iptc7901", "size": size, "unit": "ns",
             "median": ns * factor, "min": ns, "max": ns} for stage, ns in COSTS.items()]


def latency(share, p50):
    parts = {part: {"p50": 100 * (i + 1)} for i, part in enumerate(report.PARTS)}
    lanes = {lane: hist(p50) for lane in ("flash", "urgent", "normal", "bulk", "all")}
    return {"bench": "walk", "group": "latency", "load_percent": share, "shape": "steady", "per_s": 1000, "due": lanes,
            "stages": {"normal": parts}}


WALK = [MACHINE, *stages(2048), *stages(8192, 2), latency(50, 20000), latency(95, 90000),
        {"bench": "walk", "group": "rate", "who": "slugline", "size": 2048, "unit": "messages/s", "median": 90000, "min": 1, "max": 2},
        {"bench": "walk", "group": "rate", "who": "slugline", "unit": "times syslog-ng", "goal": 2.5, "median": 2.4, "min": 2, "max": 3},
        {"bench": "walk", "group": "wake", "who": "slugline", "unit": "times bare", "goal_at_most": 1.2, "median": 1.1, "min": 1, "max": 2},
        {"bench": "walk", "group": "scale", "cores": 1, "lines": 1, "size": 2048, "unit": "messages/s", "median": 100000, "min": 1,
         "max": 2},
        {"bench": "walk", "group": "ping", "skipped": "one <processor> only"}]
PARSE = [{"case": "nitf", "parser": "slugline bulletin", "mb_s": 500, "mb_s_min": 400, "mb_s_max": 600},
         {"case": "nitf", "parser": "pugixml in situ", "mb_s": 200, "mb_s_min": 150, "mb_s_max": 220},
         {"case": "nitf", "parser": "expat SAX", "mb_s": 100, "mb_s_min": 90, "mb_s_max": 110},
         {"case": "nitf", "parser": "limit: memchr", "mb_s": 9000, "mb_s_min": 90, "mb_s_max": 110}]


class Balanced(html.parser.HTMLParser):
    ALONE = {"meta", "rect", "path"}

    def __init__(self):
        super().__init__()
        self.open, self.wrong, self.links = [], [], []

    def handle_starttag(self, tag, attrs):
        self.links += [value for name, value in attrs if name in ("src", "href")]
        if tag not in self.ALONE:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag in self.ALONE:
            return
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)


class TestReport(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="slugline-report-")
        self.path = pathlib.Path(self.folder.name)
        for name, rows in (("walk", WALK), ("parse", PARSE)):
            (self.path / (name + ".jsonl")).write_text("".join(json.dumps(row) + "\n" for row in rows))

    def tearDown(self):
        self.folder.cleanup()

    def run_of(self):
        return report.Run(self.path)

    def test_a_goal_is_met_near_missed_or_not_measured(self):
        states = {what: state for what, _, _, state in report.goal_rows(self.run_of())}
        self.assertEqual(states["nitf into bulletins, times pugixml in situ"], "met")
        self.assertEqual(states["nitf into bulletins, times expat SAX"], "missed")
        self.assertEqual(states["rate, slugline, times syslog-ng"], "near")
        self.assertEqual(states["wake, slugline, times bare"], "met")
        self.assertEqual(states["zczc into bulletins, share of the scan"], "not measured")

    def test_the_page_is_whole_and_needs_nothing_from_outside(self):
        page = report.page(self.run_of(), "<commit>")
        parsed = Balanced()
        parsed.feed(page)
        self.assertEqual((parsed.wrong, parsed.links), ([], []))
        self.assertLessEqual(set(parsed.open), {"html", "p"})
        self.assertNotIn("url(", page)
        self.assertEqual(re.findall(r'https?://(?!www\.w3\.org/2000/svg")', page), [])
        for said in ("a &lt;fast&gt; one", "&lt;commit&gt;", "one &lt;processor&gt; only", "2.5", "by lane, steady", "wire-rx"):
            self.assertIn(said, page)

    def test_a_curve_goes_up_to_the_right(self):
        line = re.search(r'<path d="M([^"]*)" fill="none"', report.curves([("a", CURVE)], "us")).group(1)
        points = [tuple(map(float, pair.split(" "))) for pair in re.findall(r"[\d.]+ [\d.]+", line)]
        self.assertEqual(len(points), len(CURVE))
        self.assertEqual(points, sorted(points))
        heights = [y for _, y in points]
        self.assertEqual(heights, sorted(heights, reverse=True))

    def test_nothing_measured_is_no_report(self):
        for path in self.path.glob("*.jsonl"):
            path.write_text("")
        done = subprocess.run([sys.executable, BENCH / "report.py", self.path], capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("nothing was measured", done.stderr)


class TestModel(unittest.TestCase):
    def test_a_rate_is_bounded_by_what_is_scarce(self):
        self.assertEqual(model.rate_of(COSTS, 1, 1), (125000, "all processors"))
        self.assertEqual(model.rate_of(COSTS, 2, 1), (250000, "all processors"))
        self.assertEqual(model.rate_of(COSTS, 8, 1), (250000, "receive and decode"))
        self.assertEqual(model.rate_of(COSTS, 64, 16), (500000, "desk"))

    def test_waiting_grows_with_the_load(self):
        late = [model.latency_of(COSTS, 8, 1, share) for share in (0.01, 0.5, 0.9, 0.99)]
        self.assertEqual(late, sorted(late))
        self.assertLess(late[0], 1.1 * sum(COSTS.values()))
        self.assertGreater(late[3], 10 * sum(COSTS.values()))

    def test_costs_lie_on_a_line_between_sizes(self):
        costs = model.costs_of(stages(2048) + stages(8192, 2))
        self.assertEqual(model.between(costs, 2048)["decode"], 3000)
        self.assertEqual(model.between(costs, 5120)["decode"], 4500)
        self.assertEqual(model.between(costs, 99999)["decode"], 6000)

    def test_what_was_measured_stands_beside_what_is_predicted(self):
        told = list(model.predictions(WALK))
        rates = [one for one in told if one["model"] == "rate"]
        self.assertEqual([(one["predicted"], one["measured_to_predicted"]) for one in rates], [(125000, 0.8)])
        self.assertEqual([one["load_percent"] for one in told if one["model"] == "latency"], [50, 95])
        self.assertEqual(len([one for one in told if one["model"] == "host"]), len(model.HOSTS))


if __name__ == "__main__":
    unittest.main()
