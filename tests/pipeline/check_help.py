#!/usr/bin/env python3
"""Does every command read the options that --help and the man page tell, and refuse all usage that is wrong alike?

check_help.py SLUGLINE SLUGLINE.1
"""
import pathlib
import re
import subprocess
import sys

WRONG = {"run": ["file"], "check": ["file"], "parse": [], "replay": ["-d", "x", "x.pcap"], "tail": ["file"], "status": ["file"],
         "top": ["file"],
         "gen": ["--to", "udp://127.0.0.1:9", "file"], "demo": ["file"], "doctor": ["file"], "bench": ["file"],
         "journal": ["mend"], "sink": []}


def run(*arguments):
    done = subprocess.run([SLUGLINE, *arguments], capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)
    return done.returncode, done.stdout, done.stderr


def options_of_help(text):
    """(letter or "", name, whether it has a value) of each option."""
    found = re.findall(r"^  (?:-(\w),|   ) --(\w+)( [A-Z]+)?", text, re.M)
    return {(letter, name, bool(value)) for letter, name, value in found} - {("h", "help", False)}


def options_of_man(text, command):
    section = re.search(r"^\.Ss %s\n(.*?)^\.S[sh] " % command, text, re.M | re.S).group(1)
    found = re.findall(r"^\.It (?:Fl (\w) , )?Fl Fl (\w+)( Ar \w+)?$", section, re.M)
    return {(letter, name, bool(value)) for letter, name, value in found}


def main():
    man = pathlib.Path(sys.argv[2]).read_text()
    failures = []

    def expect(is_so, *what):
        if not is_so:
            failures.append(what)
            print("failed:", *what)

    for command, surplus in WRONG.items():
        status, help_text, _ = run(command, "--help")
        told, written = options_of_help(help_text), options_of_man(man, command)
        expect(status == 0 and told, command, "--help", status, help_text)
        expect(told == written, command, "help and man page differ in", sorted(told ^ written))
        wrong = [surplus, ["--nonsense"], ["-_"]] + [["--" + name] if value else ["--%s=1" % name] for _, name, value in told]
        for arguments in wrong:
            status, out, err = run(command, *arguments)
            lines = err.splitlines()
            expect(status == 2 and not out and len(lines) == 2 and lines[0].startswith("slugline: %s: " % command)
                   and lines[1] == "slugline %s --help tells the options" % command, command, arguments, status, out, err)
        for name in sorted(name for _, name, _ in told if len(name) > 4):
            at = next(i for i in range(1, len(name)) if name[i] != name[i + 1])
            slip = name[:at] + name[at + 1] + name[at] + name[at + 2:]
            expect("did you mean --%s?" % name in run(command, "--" + slip)[2], command, name)
    sys.exit(1 if failures else 0)


SLUGLINE = sys.argv[1]
main()
