#!/usr/bin/env python3
"""Are lines of JSON valid against deploy/ninjs-slugline.json, and is that schema strict enough to say no?

    check_json_schema.py [--ninjs DIR] [--all-of-wire] [--] COMMAND [ARGUMENT...]
    check_json_schema.py [--ninjs DIR] [--all-of-wire] < LINES

Every line that the command prints, or of standard input, must be one JSON object that the schema accepts, formats (uri,
date-time) included.  Some of them are then spoiled in ways that the schema must refuse.  With --all-of-wire every member
that the schema describes in wire must occur at least once, so that schema and program cannot drift apart.

The schema refers to IPTC's ninjs 3.1 and to GeoJSON, which are read from --ninjs (default: ../shared/ninjs beside the
sources).  Exit 77 where they or python3-jsonschema are absent.
"""
import argparse
import copy
import datetime
import json
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCHEMA = ROOT / "deploy" / "ninjs-slugline.json"
NINJS, GEOJSON = "ninjs-schema_3.1.json", "geojson-schema.json"

URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:(?:[A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-Fa-f]{2})+"
                 r"(?:#(?:[A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-Fa-f]{2})*)?")
URN = re.compile(r"urn:[a-z0-9][a-z0-9-]{0,30}[a-z0-9]:[^/?#].*", re.I)
DATE_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z")
SPOILERS = {
    "a member that ninjs does not know": lambda v: v.update(wires=1),
    "a member of wire that is not described": lambda v: v["wire"].update(surprise=1),
    "no uri": lambda v: v.pop("uri"),
    "no wire": lambda v: v.pop("wire"),
    "a uri with a blank": lambda v: v.update(uri="urn:x-slugline:a b"),
    "urgency 0": lambda v: v.update(urgency=0),
    "urgency as a string": lambda v: v.update(urgency="4"),
    "a status of another house": lambda v: v.update(pubStatus="published"),
    "a time without zone": lambda v: v.update(versionCreated="2026-01-05T10:01:02"),
    "a time in the 13th month": lambda v: v.update(versionCreated="2026-13-05T10:01:02Z"),
    "a headline with a language": lambda v: v.update(headlines=[{"value": "x", "language": "fr"}]),
    "an association without a name": lambda v: v.update(associations=[{"uri": "urn:x-slugline:a:1"}]),
    "an association with a wire": lambda v: v.update(associations=[{"name": "a", "uri": "urn:x-slugline:a:1", "wire": {}}]),
    "a geometry without coordinates": lambda v: v.update(places=[{"geoJSON": {"type": "Point"}}]),
    "an empty list of keywords": lambda v: v["wire"].update(keywords=[]),
    "a kind that is none": lambda v: v["wire"].update(kind="rumour"),
    "an epoch as a number": lambda v: v["wire"].update(epoch=17),
}


def skip(why):
    print("check_json_schema: skipped: " + why, file=sys.stderr)
    sys.exit(77)


def is_uri(text):
    return bool(URI.fullmatch(text)) and (not text.lower().startswith("urn:") or bool(URN.fullmatch(text)))


def is_date_time(text):
    if not DATE_TIME.fullmatch(text):
        return False
    try:
        datetime.datetime.fromisoformat(text[:19])
    except ValueError:
        return False
    return True


def make_validator(ninjs):
    try:
        import jsonschema
    except ImportError:
        skip("python3-jsonschema is not installed")
    for name in (NINJS, GEOJSON):
        if not (ninjs / name).exists():
            skip("%s is not there: IPTC's schema is needed to resolve ours" % (ninjs / name))
    schema, base, geojson = (json.loads(p.read_text("utf-8")) for p in (SCHEMA, ninjs / NINJS, ninjs / GEOJSON))
    checker = jsonschema.FormatChecker(formats=())
    checker.checks("uri")(lambda v: not isinstance(v, str) or is_uri(v))
    checker.checks("date-time")(lambda v: not isinstance(v, str) or is_date_time(v))
    jsonschema.Draft202012Validator.check_schema(schema)
    return schema, jsonschema.Draft202012Validator(schema, format_checker=checker, **known_schemas(schema, base, geojson))


def known_schemas(*schemas):
    """what tells a validator where references lead, without asking the network"""
    import jsonschema
    # Some schemas end their own name with an empty fragment; references come with it and without.
    store = {name: schema for schema in schemas for name in (schema["$id"], schema["$id"].rstrip("#"))}
    try:
        import referencing
    except ImportError:  # python3-jsonschema before 4.18, Debian 12's among them
        return {"resolver": jsonschema.RefResolver(schemas[0]["$id"], schemas[0], store=store,
                                                   handlers={scheme: refuse_network for scheme in ("http", "https")})}
    resources = [(name, referencing.Resource.from_contents(schema)) for name, schema in store.items()]
    return {"registry": referencing.Registry().with_resources(resources)}


def refuse_network(uri):
    raise LookupError("the schema refers to %s, which is not at hand" % uri)


def undescribed(schema, path="wire"):
    """members below wire that the schema does not describe"""
    for name, member in schema.get("properties", {}).items():
        if not member.get("description"):
            yield path + "." + name
        yield from undescribed(member, path + "." + name)


def members(schema, path=()):
    for name, member in schema.get("properties", {}).items():
        yield path + (name,)
        yield from members(member, path + (name,))


def paths(value, path=()):
    if isinstance(value, dict):
        for name, member in value.items():
            yield path + (name,)
            yield from paths(member, path + (name,))


def refuse_constant(word):
    raise ValueError(word + " is not JSON")


def refuse_repeated(pairs):
    names = [name for name, _ in pairs]
    if len(set(names)) != len(names):
        raise ValueError("a member stands twice")
    return dict(pairs)


def read_lines(command):
    if not command:
        return sys.stdin.buffer.read()
    made = subprocess.run(command, stdout=subprocess.PIPE, timeout=120)
    if made.returncode:
        sys.exit("check_json_schema: %s: exit %d" % (command[0], made.returncode))
    return made.stdout


def explain(error):
    while error.context:
        error = error.context[0]
    return "%s: %s" % ("/".join(map(str, error.absolute_path)) or "the line", error.message[:300])


def main():
    ap = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    ap.add_argument("--ninjs", type=pathlib.Path, default=ROOT.parent / "shared" / "ninjs")
    ap.add_argument("--all-of-wire", action="store_true", help="every described member of wire must occur")
    ap.add_argument("command", nargs=argparse.REMAINDER)
    args = ap.parse_args()
    command = args.command[1:] if args.command[:1] == ["--"] else args.command
    schema, validator = make_validator(args.ninjs)
    wire = schema["properties"]["wire"]
    faults = ["%s: not described in the schema" % name for name in undescribed(wire)]
    seen, values = set(), []
    data = read_lines(command)
    if not data.endswith(b"\n"):
        faults.append("the last line has no end")
    for number, line in enumerate(data.split(b"\n")[:-1], 1):
        try:
            value = json.loads(line.decode("utf-8"), parse_constant=refuse_constant, object_pairs_hook=refuse_repeated)
        except ValueError as ex:
            faults.append("line %d: no JSON: %s" % (number, ex))
            continue
        error = next(iter(validator.iter_errors(value)), None)
        if error:
            faults.append("line %d: %s" % (number, explain(error)))
            continue
        if value["standard"]["schema"] != schema["$id"]:
            faults.append("line %d: names the schema %s, which is not ours" % (number, value["standard"]["schema"]))
        if len(line.decode("utf-8").splitlines()) != 1:
            faults.append("line %d: some readers see more than one line" % number)
        seen.update(paths(value["wire"]))
        values.append(value)
    if not values:
        faults.append("no valid line was read")
    for value in values[:5]:
        for name, spoil in SPOILERS.items():
            spoiled = copy.deepcopy(value)
            spoil(spoiled)
            if validator.is_valid(spoiled):
                faults.append("the schema accepts " + name)
    if args.all_of_wire:
        faults += ["wire.%s never occurs" % ".".join(p) for p in members(wire) if p not in seen]
    for fault in faults[:20]:
        print("check_json_schema: " + fault, file=sys.stderr)
    print("check_json_schema: %d lines valid, %d faults" % (len(values), len(faults)), file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
