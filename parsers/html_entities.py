#!/usr/bin/env python3
"""Writes html_entities.c from HTML's list of named character references, as Python's library holds it.

    html_entities.py > html_entities.c
"""
from html.entities import html5

WIDTH = 110


def octal(data):
    return "".join(chr(byte) if 0x20 <= byte < 0x7F and byte not in b'"\\?' else "\\%03o" % byte for byte in data)


def fill(pieces):
    """Joins pieces to lines no longer than WIDTH."""
    line = ""
    for piece in pieces:
        if len(line) + len(piece) > WIDTH:
            yield line
            line = ""
        line += piece
    yield line


def main():
    names = sorted({name.rstrip(";") for name in html5})
    rows, text, start = [], [], 0
    for name in names:
        value = html5[name + ";"].encode("utf-8")
        # In a buffer that is decoded in its place nothing may grow.
        if len(value) > len(name) + 2:
            continue
        rows.append((start, len(name), len(value), int(name in html5)))
        text.append(octal(name.encode() + value))
        start += len(name) + len(value)
    assert start < 1 << 16
    print("/* Written by html_entities.py: names and their characters, each name sorted by its bytes. */")
    print('#include "parsers/html.h"\n')
    print("/* clang-format off */")
    print("const char sl_entity_text[] =")
    print("\n".join(f'    "{line}"' for line in fill(text)) + ";\n")
    print("const struct sl_entity sl_entities[] = {")
    print("\n".join("    " + line.rstrip() for line in fill("{%d,%d,%d,%d}, " % row for row in rows)))
    print("};")
    print(f"_Static_assert(sizeof(sl_entities) / sizeof(*sl_entities) == SL_ENTITY_CNT, \"html.h knows how many\");")


if __name__ == "__main__":
    main()
