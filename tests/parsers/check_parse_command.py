#!/usr/bin/env python3
"""Does `slugline parse` keep its promises: exit status, one line a bulletin, and where a message was rejected?

    check_parse_command.py SLUGLINE
"""
import json
import pathlib
import subprocess
import sys
import tempfile

GOOD = b"\x01xna%04d 4 i 3  xna 0054\r\n\r\nWeather/\r\n\x02It rains =\r\n\x03231137 GMT Nov 13\r\n\x7f\x04"
CUT = b"\x01xna0043 4 i 90  xna 0056\r\n\r\nWeather/\r\n\x02It ra"
BAD = b"\x01xna0043 r i 90  xna 0056\r\n\r\nWeather/\r\n\x02It rains =\r\n\x03231137 GMT Nov 13\r\n\x04"
IDLE = b"\r\n\x16\x16\x00\x7f"


def run(slugline, *arguments, data=b""):
    done = subprocess.run([slugline, "parse", *arguments], input=data, capture_output=True, timeout=20)
    bulletins = [json.loads(line) for line in done.stdout.decode().splitlines() if line.startswith("{")]
    return done.returncode, bulletins, done.stderr.decode(), done.stdout.decode()


def numbers(bulletins):
    return [bulletin["wire"]["number"] for bulletin in bulletins]


def main():
    slugline = str(pathlib.Path(sys.argv[1]).resolve())
    failures = []

    def expect(name, is_so, *seen):
        if not is_so:
            failures.append(name)
            print("failed:", name, *seen)

    status, _, _, out = run(slugline, "--help")
    expect("help says how to use it, and what formats there are", status == 0 and "slugline parse [OPTIONS]" in out
           and "iptc7901" in out, out)
    for arguments in ([], ["--format", "nonsense", "-"], ["--timezone", "../../etc/passwd", "-"], ["--nonsense", "-"],
                      ["--timezone"], ["--arrival", "soon", "-"], ["--charset", "nonsense", "-"]):
        status, _, err, _ = run(slugline, *arguments)
        expect("wrong usage is refused", status == 2 and err.startswith("slugline: parse: "), arguments, status, err)

    status, bulletins, err, _ = run(slugline, "-", data=GOOD % 1)
    expect("standard input is read", status == 0 and numbers(bulletins) == ["0001"] and err == "", status, err)
    status, bulletins, err, _ = run(slugline, "-", data=IDLE + GOOD % 1 + IDLE + GOOD % 2 + GOOD % 3 + IDLE)
    expect("a file may hold several messages", status == 0 and numbers(bulletins) == ["0001", "0002", "0003"], status, err)
    status, bulletins, err, _ = run(slugline, "-", data=GOOD % 1 + CUT + GOOD % 2 + b"\r\n" + BAD)
    expect("what can be read is read", status == 1 and numbers(bulletins) == ["0001", "0002"], status, err)
    lines = err.splitlines()
    expect("each reject is told", len(lines) == 2, err)
    off = len(GOOD % 1 + CUT + GOOD % 2) + 2 + 9
    expect("with its place in the file", lines[-1].endswith("urgency 1 to 9 expected (offset %d)" % off)
           and lines[-1].startswith("slugline: parse: -:") and ": bad_header: " in lines[-1], lines[-1])
    status, bulletins, err, _ = run(slugline, "-", data=IDLE)
    expect("an idle line says nothing and is no error", status == 0 and not bulletins and err == "", status, err)

    local = (GOOD % 1).replace(b" GMT", b"")
    status, bulletins, _, _ = run(slugline, "--timezone", "Asia/Tokyo", "--provider", "P", "--language", "ja", "-", data=local)
    if status == 2:
        print("skipped: no time zones on this host")
    else:
        expect("the zone of times without one is the one given", bulletins[0]["versionCreated"] == "2013-11-23T02:37:00Z", bulletins)
        expect("the language is the one given", bulletins[0]["language"] == "ja", bulletins)
        expect("the message's own provider counts", bulletins[0]["wire"]["provider"] == "xna", bulletins)

    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "a.wire"
        path.write_bytes(GOOD % 1)
        status, bulletins, err, _ = run(slugline, str(path), str(path) + ".absent", str(path))
        expect("an absent file is a finding, and the others are read", status == 1 and len(bulletins) == 2 and "absent" in err, err)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
