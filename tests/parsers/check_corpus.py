#!/usr/bin/env python3
"""Does `slugline parse` find in other people's real messages what is known of them?

    check_corpus.py SLUGLINE

Runs the checker that stands beside the corpus (../shared/wire-corpus from the sources) for each format we have, once with
the format named and once recognized.  Exit 77 where the corpus is absent.
"""
import pathlib
import shlex
import subprocess
import sys

CORPUS = pathlib.Path(__file__).resolve().parents[3] / "shared" / "wire-corpus"
FORMATS = ["iptc7901", "anpa1312", "zczc", "results", "wmo", "fixnews", "rfc822", "nitf", "newsmlg2", "newsml1", "cap", "rss", "atom",
           "ritzau", "prs", "ninjs", "apmedia", "mrn", "text"]
LEAST_PERCENT = "97"


def check(slugline, name, options):
    command = " ".join([shlex.quote(slugline), "parse", *options, "{file}"])
    return subprocess.run([sys.executable, CORPUS / "check.py", "--cmd", command, "--format", name,
                           "--min-percent", LEAST_PERCENT]).returncode


def main():
    if not (CORPUS / "check.py").is_file():
        print("skipped: no corpus at", CORPUS)
        return 77
    slugline = str(pathlib.Path(sys.argv[1]).resolve())
    failed = [(name, options) for name in FORMATS for options in ([], ["--format", name])
              if check(slugline, name, options) != 0]
    for name, options in failed:
        print("failed:", name, *options)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
