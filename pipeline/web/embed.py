#!/usr/bin/env python3
"""A file as an array of C: embed.py FILE NAME > HEADER.  With it goes into the program what has no other place to be."""
import sys

with open(sys.argv[1], "rb") as page:
    data = page.read()
print("static const unsigned char %s[] = {" % sys.argv[2])
for at in range(0, len(data), 24):
    print("    " + ", ".join(map(str, data[at : at + 24])) + ",")
print("};")
