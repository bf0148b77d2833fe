#!/usr/bin/env python3
"""Writes the tables of the character sets of East Asia for charset_wide.c, from Python's own codecs, as C on standard
output.  A row for each lead byte from 0x81 on, a column for each trail byte from 0x40 on, 0 where there is nothing.

Japanese has one table, as in the WHATWG Encoding standard: Windows-31J, into whose pairs EUC-JP and ISO-2022-JP are
turned, so that all of them have the same characters.
"""
import sys

LEADS, TRAILS = range(0x81, 0xFF), range(0x40, 0xFF)


def character(codec, data):
    """The one character of the Basic Plane that these bytes are; 0: they are none."""
    try:
        text = bytes(data).decode(codec)
    except UnicodeDecodeError:
        return 0
    return ord(text) if len(text) == 1 and ord(text) < 0x10000 else 0


def pairs(codec):
    return [character(codec, (lead, trail)) for lead in LEADS for trail in TRAILS]


# Where Python has private characters, and GB 18030-2005 those that Unicode has got since.
GB18030_SINCE = {
    0xA6D9: 0xFE10, 0xA6DA: 0xFE12, 0xA6DB: 0xFE11, 0xA6DC: 0xFE13, 0xA6DD: 0xFE14, 0xA6DE: 0xFE15, 0xA6DF: 0xFE16,
    0xA6EC: 0xFE17, 0xA6ED: 0xFE18, 0xA6F3: 0xFE19, 0xFE59: 0x9FB4, 0xFE61: 0x9FB5, 0xFE66: 0x9FB6, 0xFE67: 0x9FB7,
    0xFE6D: 0x9FB8, 0xFE7E: 0x9FB9, 0xFE90: 0x9FBA, 0xFEA0: 0x9FBB, 0xA8BC: 0x1E3F,
}


def gb18030():
    return [GB18030_SINCE.get(lead << 8 | trail) or character("gb18030", (lead, trail))
            for lead in LEADS for trail in TRAILS]


def jis0212():
    found = [character("euc_jp", (0x8F, lead, trail)) if lead > 0xA0 and trail > 0xA0 else 0
             for lead in LEADS for trail in TRAILS]
    return [0xFF5E if c == 0x7E else c for c in found]  # the wide tilde; ASCII has its own


def gb18030_ranges():
    """Runs of four-byte characters of the Basic Plane: (number of the first, its character)."""
    ranges = []
    for c in range(0x80, 0x10000):
        if 0xD800 <= c < 0xE000:
            continue
        data = chr(c).encode("gb18030")
        if len(data) != 4:
            continue
        number = (((data[0] - 0x81) * 10 + data[1] - 0x30) * 126 + data[2] - 0x81) * 10 + data[3] - 0x30
        if not ranges or number - ranges[-1][0] != c - ranges[-1][1]:
            ranges.append((number, c))
    return ranges


def write_table(name, values):
    print(f"const uint16_t {name}[SL_WIDE_LEADS * SL_WIDE_TRAILS] = {{")
    for i in range(0, len(values), 16):
        print("    " + ", ".join(f"0x{v:04x}" for v in values[i:i + 16]) + ",")
    print("};")


def main():
    print('/* Made by make_wide_sets.py. */\n#include "parsers/charset_wide.h"')
    write_table("sl_wide_windows_31j", pairs("cp932"))
    write_table("sl_wide_jis0212", jis0212())
    write_table("sl_wide_windows_949", pairs("cp949"))
    write_table("sl_wide_gb18030", gb18030())
    write_table("sl_wide_big5", pairs("cp950"))
    ranges = gb18030_ranges()
    print("const struct sl_wide_range sl_wide_gb18030_ranges[] = {")
    for number, c in ranges:
        print(f"    {{ {number}, 0x{c:04x} }},")
    print(f"}};\nconst uint32_t sl_wide_gb18030_range_cnt = {len(ranges)};")


if __name__ == "__main__":
    sys.exit(main())
