#!/usr/bin/env python3
"""What newsroom software does: lxml, at the work of bench/stories.h.

    parse_lxml.py MILLISECONDS FILE...      prints bytes a second, and for each file the CRC-32 of its story
"""
import sys
import time
import zlib

from lxml import etree

TEXT = {"hl1", "headline", "HeadLine", "versionCreated", "firstCreated", "embargoed", "FirstCreated",
        "ThisRevisionCreated", "urgency", "PublicIdentifier"}
BODY = {"body.content", "inlineXML", "inlineData", "DataContent"}
ATTRIBUTE = {"doc-id": "id-string", "date.issue": "norm", "date.release": "norm", "date.expire": "norm",
             "tobject.subject": "tobject.subject.refnum", "subject": "qcode", "Subject": "FormalName",
             "SubjectMatter": "FormalName", "SubjectDetail": "FormalName", "Urgency": "FormalName",
             "urgency": "ed-urg", "newsItem": "guid", "packageItem": "guid"}
PARSER = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)


def walk(element, parts, wanted):
    tag = element.tag
    if not isinstance(tag, str):  # a comment or an instruction
        return
    name = tag.rpartition("}")[2]
    value = element.get(ATTRIBUTE[name]) if name in ATTRIBUTE else None
    if value is not None:
        parts.append(value + "\n")
    is_field = not wanted[1] and name in TEXT
    is_body = name in BODY
    wanted[0] += is_body
    wanted[1] = wanted[1] or is_field
    if element.text and (wanted[0] or wanted[1]):
        parts.append(element.text)
    for child in element:
        walk(child, parts, wanted)
        if child.tail and (wanted[0] or wanted[1]):
            parts.append(child.tail)
    if is_field:
        wanted[1] = False
        parts.append("\n")
    elif name == "p" and wanted[0]:
        parts.append("\n")
    wanted[0] -= is_body


def story(data):
    parts = []
    walk(etree.fromstring(data, PARSER), parts, [0, False])
    return "".join(parts).encode()


def main():
    documents = [open(path, "rb").read() for path in sys.argv[2:]]
    begin, done = time.process_time(), 0
    while done == 0 or time.process_time() < begin + int(sys.argv[1]) / 1000:
        for data in documents:
            story(data)
            done += len(data)
    print(done / (time.process_time() - begin))
    for data in documents:
        print(zlib.crc32(story(data)))


if __name__ == "__main__":
    main()
