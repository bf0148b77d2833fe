#!/usr/bin/env python3
"""The web sink's page in headless Chromium: ten thousand items, keys, kills, a connection that is lost, dark, a phone.

    test_page.py SLUGLINE SOURCE [--pictures FOLDER]

tests/page/test_page.mjs looks; this makes what it looks at.  77 where there is no chromium, no node, or no playwright-core and no network
to have npm fetch it by its lock file.
"""
import os
import shutil
import signal
import subprocess
import sys
import tempfile

import test_daemon as daemons
import test_sink_web as web
from sink_daemon import Load
from test_daemon import dial, message, until

COUNT, PICTURES = 10000, None


def find_driver():
    folder = os.path.join(web.ROOT, "tests/page")
    browser, node = shutil.which("chromium"), shutil.which("node")
    if not browser or not node:
        raise daemons.Skipped("chromium and node are wanted: deploy/bootstrap test")
    if not os.path.exists(os.path.join(folder, "node_modules/playwright-core")):
        fetch = ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
        try:
            subprocess.run(fetch, cwd=folder, capture_output=True, timeout=60, check=True)
        except (OSError, subprocess.SubprocessError) as problem:
            raise daemons.Skipped("playwright-core is not there, and npm cannot fetch it: %s" % problem) from None
    return [node, os.path.join(folder, "test_page.mjs"), browser]


def version(number, words):
    return message(number, "It is told again.").replace(b"Headline number %d" % number, words)


def act(daemon, what):
    if what == "KILL":
        with dial(daemon.port) as agency:
            agency.sendall(message(1) + web.KILL)
    elif what == "VERSIONS":
        with dial(daemon.port) as agency:
            for words in (b"First words of it", b"Second words of it", b"Third words of it"):
                agency.sendall(version(7, words))
    elif what == "RESTART":
        pid = daemon.wait_for_sink("page")
        os.kill(pid, signal.SIGSTOP)  # nobody answers while these come
        Load(daemon.port, 5001, 5050).end()
        os.kill(pid, signal.SIGKILL)
        daemon.wait_for_sink("page", 2)


def the_page_is_what_an_editor_wants():
    driver = find_driver()
    with web.web_sink(", queue: 256MiB", tape="256MiB") as daemon, tempfile.TemporaryDirectory(prefix="slugline-page-") as folder:
        wire = [daemons.SLUGLINE, "gen", "--to", "tcp://127.0.0.1:%d" % daemon.port, "-n", str(COUNT), "-r", "5000", "-z", "512B..2000B"]
        subprocess.run(wire, capture_output=True, timeout=120, check=True)
        until("the sink has them", lambda: daemon.sink("page")["seq"] >= COUNT * 0.99 and daemon.sink("page")["lag"] == 0)
        command = [*driver, "http://127.0.0.1:%d/" % daemon.web, str(COUNT), PICTURES or folder]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as looks:
            said = []
            for line in looks.stdout:
                said.append(line.rstrip())
                if line.rstrip() in ("KILL", "VERSIONS", "RESTART"):
                    act(daemon, line.rstrip())
                    looks.stdin.write("\n")
                    looks.stdin.flush()
        assert said and said[-1] == "DONE", "\n".join(said)


if __name__ == "__main__":
    daemons.SLUGLINE, web.ROOT = sys.argv[1:3]
    if "--pictures" in sys.argv:
        PICTURES = sys.argv[sys.argv.index("--pictures") + 1]
    sys.exit(daemons.run_cases([the_page_is_what_an_editor_wants], []))
