#!/usr/bin/env python3
"""Is the table of HTML's character references what its script makes of HTML's list?"""
import pathlib
import subprocess
import sys

PARSERS = pathlib.Path(__file__).resolve().parents[2] / "parsers"

made = subprocess.run([sys.executable, PARSERS / "html_entities.py"], capture_output=True, text=True, check=True).stdout
if made != (PARSERS / "html_entities.c").read_text():
    print("parsers/html_entities.c is not what parsers/html_entities.py writes")
    sys.exit(1)
