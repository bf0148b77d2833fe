"""Reads the sources and keeps the picture of the rooms true.

    tidy.py SOURCE_ROOT      one line for each thing that is not as it should be; exit 1 if there is any

Every check is a function from a tree, a dict of path to text, to findings (path, line, sentence): so test_tidy.py can
hand each of them a small tree that must be refused, and one that must not.
"""

import fnmatch
import os
import re
import sys
import unicodedata

ROOMS = ("ring", "parsers", "pipeline")
# Who may include from where.  Arrows point down and never sideways.
MAY_INCLUDE = {
    "ring": {"ring"},
    "parsers": {"parsers"},
    "pipeline": {"ring", "parsers", "pipeline"},
    "tests": {"ring", "parsers", "pipeline", "tests"},
    "bench": {"ring", "parsers", "pipeline", "bench"},
}
# What the two leaves may have of the system.  Another header is a decision: make it, then write it down here.
LEAF_HEADERS = {
    "ring": set(
        "assert.h errno.h fcntl.h limits.h linux/futex.h poll.h stdatomic.h stdbool.h stddef.h stdint.h string.h "
        "sys/eventfd.h sys/mman.h sys/socket.h sys/stat.h sys/syscall.h sys/types.h time.h unistd.h".split()
    ),
    "parsers": set(
        "assert.h emmintrin.h errno.h immintrin.h stdbool.h stddef.h stdint.h string.h strings.h uchar.h "
        "xxhash.h zlib.h".split()
    ),
}
# A helper lives in the room of its first user.
NO_FOLDERS = {"util", "utils", "common", "helpers", "misc", "lib", "include", "src"}
COLUMNS = 120
SCRIPT_COLUMNS = 140  # a command with its words stays on one line
# In this order, so that the eye finds them.
LABELS = ["Life", "Threads", "Owns", "Errors", "Units", "Hostile", "Cost", "Layout", "Order", "Source"]
# The walk itself says of each stage what it takes and gives.
OWN_LABELS = {"pipeline/stages.h"}
# As its users include it, once installed.
INSTALLED_AS = {"pipeline/client.h": "slugline/client.h"}
# Where the fences are made, there is nothing to pair yet.
MAKES_FENCES = {"ring/fence.h"}
ONLY_IN = [
    (r"\bclock_gettime\s*\(|\bgettimeofday\s*\(|\btime\s*\(\s*(?:NULL|&)", "reads the time", {"pipeline/clock.h"}),
    (r"\bpthread_create\s*\(|\bthrd_create\s*\(", "makes a thread",
     {"pipeline/run.c", "pipeline/watch.c", "pipeline/scribe.c", "pipeline/sink_jetstream.c"}),
    (r"\bfork\s*\(\s*\)", "makes a process", {"pipeline/supervise.c", "pipeline/sinks.c", "pipeline/sink_exec.c", "pipeline/cmd_demo.c"}),
]
LEAVES_NEVER = [
    (r"\b(?:[mc]alloc|realloc(?:array)?|aligned_alloc|posix_memalign|strn?dup|free|alloca)\s*\(", "allocates"),
    (r"\b(?:v?(?:f|d|s|sn)?printf|puts|fputs|putchar|perror|syslog|fopen|fwrite)\s*\(", "talks"),
    (r"\b(?:exit|_exit|quick_exit)\s*\(", "exits"),
]
UNFINISHED = re.compile(r"\b(?:TODO|FIXME|XXX|HACK)\b|\bstubs?\b|\bfor now\b", re.I)
ELSEWHERE = re.compile(r"(?:/(?:work|home)|/tmp/build-\w+)/\w")


def is_c(path):
    return path.endswith((".c", ".h"))


def is_code(path):
    return path.endswith((".c", ".h", ".py", ".sh", ".pml", ".yaml", ".build")) or "." not in os.path.basename(path)


def room_of(path):
    return path.split("/", 1)[0]


def line_of(text, off):
    return text.count("\n", 0, off) + 1


PIECES = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'', re.S)


def blank(piece):
    return re.sub(r"[^\n]", " ", piece)


def code_of(text):
    """The text with comments and strings blanked, at the same places."""
    return PIECES.sub(lambda found: blank(found.group()), text)


def comments_of(text):
    """(offset, comment) of each comment."""
    return [(found.start(), found.group()) for found in PIECES.finditer(text) if found.group().startswith("/")]


def function_at(code, off):
    """The name of the function whose body holds off: the last line before it that starts one at the left margin."""
    name = None
    for found in re.finditer(r"^(?!#)[A-Za-z_][^\n;={]*?\b(\w+)\([^;]*?\)\s*(?:\{|$)", code[:off], re.M):
        name = found.group(1)
    return name


# ---- the rooms ----


def check_includes(tree):
    for path, text in tree.items():
        allowed = MAY_INCLUDE.get(room_of(path))
        if not is_c(path) or allowed is None:
            continue
        for found in re.finditer(r'^[ \t]*#[ \t]*include[ \t]+([<"])([^>"]+)[>"]', text, re.M):
            line, name = line_of(text, found.start()), found.group(2)
            if found.group(1) == "<":
                if room_of(name) in MAY_INCLUDE:
                    yield path, line, f"<{name}> is ours: written with quotes"
                elif room_of(path) in LEAF_HEADERS and name not in LEAF_HEADERS[room_of(path)]:
                    yield path, line, f"<{name}> is not among what {room_of(path)}/ may have of the system"
            elif room_of(name) not in allowed:
                yield path, line, f'{room_of(path)}/ must not include "{name}"'
            elif name not in tree:
                yield path, line, f'there is no "{name}"; includes are written from the root'


def check_folders(tree):
    for path in tree:
        for part in path.split("/")[:-1]:
            if part.lower() in NO_FOLDERS:
                yield path, 1, f"there is no {part}/: a helper lives in the room of its first user"


def check_links(tree):
    wrong = {"ring": r"\b(?:parsers|walk)_dep\b", "parsers": r"\b(?:ring|walk)_dep\b"}
    for room, pattern in wrong.items():
        text = tree.get(f"{room}/meson.build", "")
        for found in re.finditer(pattern, text):
            yield f"{room}/meson.build", line_of(text, found.start()), f"{room}/ must not link {found.group()}"


def check_built(tree):
    for path in tree:
        folder, name = os.path.split(path)
        if not path.endswith(".c") or room_of(path) not in MAY_INCLUDE:
            continue
        stem = re.sub(r"^(?:test|fuzz|stress|bench)_", "", name[:-2])
        build = tree.get(f"{folder}/meson.build", "")
        if not any(f"'{known}'" in build for known in (name, name[:-2], stem)):
            yield path, 1, f"nobody builds it: {folder}/meson.build does not name it"


def check_calls(tree):
    for path, text in tree.items():
        if not is_c(path) or room_of(path) not in ROOMS:
            continue
        code = code_of(text)
        for pattern, does, allowed in ONLY_IN:
            for found in re.finditer(pattern, code):
                if path not in allowed:
                    yield path, line_of(code, found.start()), f"{does}, which only {', '.join(sorted(allowed))} may"
        if room_of(path) == "pipeline":
            continue
        for pattern, does in LEAVES_NEVER:
            for found in re.finditer(pattern, code):
                what = f"{does} ({found.group().rstrip('( ')}), which {room_of(path)}/ never does"
                yield path, line_of(code, found.start()), what


def check_readmes(tree):
    parts = [r"what this (?:room|folder) knows", r"what it never does", r"the files,? in (?:their )?reading order"]
    for folder in sorted({room_of(path) for path in tree} & {*ROOMS, "tests", "bench", "deploy"}):
        path = f"{folder}/README.md"
        if path not in tree:
            yield path, 1, "is missing"
            continue
        text = tree[path]
        places = [re.search(part, text, re.I) for part in parts]
        for part, place in zip(("what this room knows", "what it never does", "the files in reading order"), places):
            if not place:
                yield path, 1, f"does not say {part}"
        if all(places) and [place.start() for place in places] != sorted(place.start() for place in places):
            yield path, 1, "has its three parts in another order than everywhere"
        yield from check_readme_files(tree, folder, text)


def check_readme_files(tree, folder, text):
    """Headers of a room are named, and what is named exists.  `log.h .c` names both; `rx*.c` all of them."""
    named = set()
    for token in re.findall(r"`([^`\n]+)`", text):
        words = token.split()
        named.update(words)
        if words and "." in words[0]:
            named.update(words[0].rsplit(".", 1)[0] + word for word in words[1:] if word.startswith("."))
    for name in sorted(named):
        if re.fullmatch(r"[\w*]+\.[ch]", name) and not fnmatch.filter(tree, f"*/{name}"):
            yield f"{folder}/README.md", 1, f"names {name}, which is not there"
    if folder not in ROOMS:
        return
    for path in sorted(tree):
        name = os.path.basename(path)
        if os.path.dirname(path) == folder and name.endswith(".h"):
            if not any(fnmatch.fnmatch(name[:-2], pattern.rsplit(".", 1)[0]) for pattern in named):
                yield f"{folder}/README.md", 1, f"does not name {name}"


# ---- orders between threads ----

EDGE = re.compile(
    r"/\* (?P<names>[A-Z]+(?: and [A-Z]+)*), (?P<side>release|acquire|\w+'s) side: "
    r"pairs with (?P<others>\w+(?: and \w+)*)\.(?=\s)"
)
ORDERS = re.compile(
    r"\bmemory_order_(?:acquire|release|acq_rel|seq_cst|consume)\b|\bsl_fence_(?:full|acquire|release)\b(?=\s*\()"
)
EDGE_LINES_ABOVE = 2


def unit_of(path):
    return path[:-2]


def edges_declared(tree):
    """{unit: {name: line}} of what headers list under Order."""
    declared = {}
    for path, text in tree.items():
        if not path.endswith(".h") or room_of(path) not in ROOMS:
            continue
        head = text.split("*/", 1)[0]
        order = re.search(r"^ \* Order +(.*?)(?=^ \*$|^ \* [A-Z][a-z]+ {2,}|\Z)", head, re.M | re.S)
        if not order or path in MAKES_FENCES:
            continue
        for found in re.finditer(r"^(?: \* Order| \*)  +([A-Z]{3,})  ?(?=\s|\S)", order.group(), re.M):
            declared.setdefault(unit_of(path), {})[found.group(1)] = line_of(text, order.start() + found.start(1))
    return declared


def edges_written(tree):
    """{unit: [(name, side, others, function, path, line)]} of the comments in code."""
    written = {}
    for path, text in tree.items():
        if not is_c(path) or room_of(path) not in ROOMS:
            continue
        code = code_of(text)
        for found in EDGE.finditer(text):
            function, line = function_at(code, found.start()), line_of(text, found.start())
            for name in found.group("names").split(" and "):
                edge = (name, found.group("side"), found.group("others").split(" and "), function, path, line)
                written.setdefault(unit_of(path), []).append(edge)
    return written


EVENING = 8000  # lines that a reader who knows C gets through in four hours


def check_evening(tree):
    """ARCHITECTURE.md names what has to be read to know the way of a bulletin; it must be there, and be short enough."""
    text = tree.get("ARCHITECTURE.md", "")
    section = re.search(r"^## An evening's reading\n(.*?)^## ", text, re.M | re.S)
    if not section:
        yield "ARCHITECTURE.md", 1, "does not say what to read in an evening"
        return
    line = line_of(text, section.start())
    named = re.findall(r"`(\w+/\w+\.[ch])`", section.group(1))
    for name in named:
        if name not in tree:
            yield "ARCHITECTURE.md", line, f"has {name} read, which is not there"
    lines = sum(tree[name].count("\n") for name in set(named) if name in tree)
    if not named or lines > EVENING:
        yield "ARCHITECTURE.md", line, f"has {lines} lines read in an evening; {EVENING} are one"


def check_edges(tree):
    declared, written = edges_declared(tree), edges_written(tree)
    for unit, edges in written.items():
        for name, _, _, _, path, line in edges:
            if name not in declared.get(unit, {}):
                yield path, line, f"{name} is no order that {unit}.h lists under Order"
    for unit, names in declared.items():
        for name, line in names.items():
            ends = [edge for edge in written.get(unit, []) if edge[0] == name]
            if len(ends) != 2:
                yield f"{unit}.h", line, f"{name} stands {len(ends)} times in code; it must be twice, once on each side"
                continue
            (_, side, others, function, path, at), (_, side2, others2, function2, path2, at2) = ends
            if side == side2 or {side, side2} & {"release", "acquire"} and {side, side2} != {"release", "acquire"}:
                yield path2, at2, f"{name}: {side} and {side2} are not the two sides of one order"
            if function2 not in others:
                yield path, at, f"{name}: pairs with {' and '.join(others)}, but its other side is in {function2}"
            if function not in others2:
                yield path2, at2, f"{name}: pairs with {' and '.join(others2)}, but its other side is in {function}"


def check_atomics(tree):
    for path, text in tree.items():
        if not is_c(path) or room_of(path) not in ROOMS or path in MAKES_FENCES:
            continue
        code, lines = code_of(text), text.split("\n")
        ends = set()
        for found in EDGE.finditer(text):
            ends.add(line_of(text, text.index("*/", found.start())))
        for found in ORDERS.finditer(code):
            line = line_of(code, found.start())
            # Fences inside one thread, against its own signal handlers, pair with nobody.
            if "atomic_signal_fence" in lines[line - 1]:
                continue
            if not ends & set(range(line - EDGE_LINES_ABOVE, line)):
                yield path, line, f"{found.group()} has no comment above it that names its order and the other side"
        for found in re.finditer(r"\batomic_(?:load|store|exchange|compare_exchange_\w+|fetch_\w+)\s*\(", code):
            if "_explicit" not in found.group():
                what = f"{found.group().rstrip('( ')} does not say its order; take _explicit"
                yield path, line_of(code, found.start()), what


def blocks_of(text):
    """(offset, text) of what stands between closing braces at the left margin: a function and the comment above it."""
    off = 0
    for found in re.finditer(r"^\}[^\n]*\n|\Z", text, re.M):
        yield off, text[off : found.end()]
        off = found.end()


def check_relaxed(tree):
    """A relaxed access says why it may be: in its function, above that, or in the header for all of the unit."""
    for path, text in tree.items():
        if not is_c(path) or room_of(path) not in ROOMS or "memory_order_relaxed" not in code_of(text):
            continue
        header = tree.get(unit_of(path) + ".h", "").split("*/", 1)[0]
        if re.search(r"\brelaxed\b", header):
            continue
        for off, block in blocks_of(text):
            access = re.search(r"\bmemory_order_relaxed\b", code_of(block))
            if access and not any(re.search(r"\brelaxed\b|\borders?\b", said, re.I) for _, said in comments_of(block)):
                yield path, line_of(text, off + access.start()), "a relaxed access, and no comment why it may be"


# ---- headers ----


def check_headers(tree):
    for path, text in tree.items():
        if not path.endswith(".h") or room_of(path) not in ROOMS:
            continue
        name = INSTALLED_AS.get(path, path)
        if not re.match(rf"/\* {re.escape(name)} - \S.*", text):
            yield path, 1, f"must open with /* {name} - and a sentence"
        guard = "S[LU]\\w*_" + re.sub(r"\W", "_", os.path.basename(path)).upper()
        if not re.search(rf"^#ifndef ({guard})\n#define \1$", text, re.M):
            yield path, 1, f"has no include guard that ends in {guard.split('_', 1)[1]}"
        yield from check_labels(path, text)


def declared_functions(code):
    """(name, returns, offset) of each function declared or defined at the left margin."""
    for found in re.finditer(r"^(?!#|typedef|struct \w+ \{|enum)((?:[\w*]+[ \t]+)+\**)(\w+)\(", code, re.M):
        if not found.group(1).startswith(("_Static_assert", "return")):
            yield found.group(2), found.group(1).strip(), found.start()


def check_labels(path, text):
    head, code = text.split("*/", 1)[0], code_of(text)
    functions = list(declared_functions(code))
    labels = re.findall(r"^ \* ([A-Z][a-z]+) {2,}\S", head, re.M)
    known = [label for label in labels if label in LABELS]
    if known != sorted(known, key=LABELS.index):
        yield path, 1, f"labels stand as {', '.join(known)}; their order is {', '.join(LABELS)}"
    for name, _, off in functions:
        if not name.startswith("sl_"):
            yield path, line_of(code, off), f"{name} is public and does not start with sl_"
    if not functions or path in OWN_LABELS:
        return
    if not {"Life", "Threads"} & set(known):
        yield path, 1, "declares functions and says neither Life nor Threads"
    begins = [name for name, _, _ in functions if re.search(r"_(?:init|new|open|create|join|load)$", name)]
    if begins and "Life" not in known:
        yield path, 1, f"{begins[0]} begins something, and no Life says how it ends"
    if "-errno" in text.replace(head, "") and "Errors" not in known:
        yield path, 1, "speaks of -errno and does not say Errors"


# ---- letters ----


def is_surprise(letter):
    """What a reader cannot see, or sees elsewhere than it is: controls, joiners, directions, odd blanks."""
    return letter not in "\n\t" and (unicodedata.category(letter) in ("Cc", "Cf", "Co", "Cn", "Zl", "Zp") or
                                     unicodedata.category(letter) == "Zs" and letter != " ")


def columns(path, line):
    """What a test expects stays in one piece, however long it is, and so does its row in a table."""
    if path.startswith("tests/") and is_c(path):
        line = re.sub(r" +", " ", re.sub(r'"(?:\\.|[^"\\])*"', '""', line))
    return len(line)


def check_letters(tree):
    for path, text in tree.items():
        if not is_code(path):
            continue
        for number, line in enumerate(text.split("\n"), 1):
            for letter in line:
                if is_surprise(letter):
                    yield path, number, f"U+{ord(letter):04X} cannot be seen"
                    break
            if "\t" in line and not path.endswith(("Makefile",)):
                yield path, number, "has a tab"
            if line != line.rstrip():
                yield path, number, "ends in blanks"
            limit = COLUMNS if is_c(path) or path.endswith(".md") else SCRIPT_COLUMNS
            if columns(path, line) > limit:
                yield path, number, f"is {len(line)} columns wide; {limit} is the limit"
        if text and not text.endswith("\n"):
            yield path, line_of(text, len(text)), "does not end with a line end"
        if is_c(path):
            code = code_of(text)
            for found in re.finditer(r"[^\x00-\x7f]", code):
                what = f"U+{ord(found.group()):04X} stands outside comments and strings"
                yield path, line_of(code, found.start()), what


def check_words(tree):
    for path, text in tree.items():
        if is_c(path):
            said = comments_of(text)
        elif path.endswith((".py", ".sh", ".build", ".yaml")):
            said = [(found.start(), found.group()) for found in re.finditer(r"#[^\n]*", text)]
        elif path.endswith(".md"):
            said = [(0, text)]
        else:
            continue
        for off, words in said:
            for found in UNFINISHED.finditer(words):
                yield path, line_of(text, off + found.start()), f"'{found.group()}': finish it, or leave it out"
        for found in ELSEWHERE.finditer(text):
            yield path, line_of(text, found.start()), f"'{found.group()}' is a place on somebody's machine"
        if is_c(path) and re.search(r"\btypedef\s+struct\b", code_of(text)):
            yield path, 1, "hides a struct behind a typedef"


CHECKS = [
    check_includes,
    check_folders,
    check_links,
    check_built,
    check_calls,
    check_readmes,
    check_evening,
    check_edges,
    check_atomics,
    check_relaxed,
    check_headers,
    check_letters,
    check_words,
]


def read_tree(root):
    tree, unreadable = {}, []
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith((".", "build", "__pycache__", "results", "node_modules")))
        for name in sorted(names):
            path = os.path.relpath(os.path.join(folder, name), root)
            # Samples of wires and of inputs are what they are.
            if path.startswith(("tests/wire/", "tests/fuzz/seeds/", "tests/fuzz/dict/")) or name.startswith("."):
                continue
            try:
                with open(os.path.join(root, path), encoding="utf-8", newline="") as file:
                    tree[path] = file.read()
            except UnicodeDecodeError:
                unreadable.append((path, 1, "is not UTF-8"))
    return tree, unreadable


def main():
    if len(sys.argv) != 2:
        print(__doc__.strip(), file=sys.stderr)
        return 2
    tree, findings = read_tree(sys.argv[1])
    if not any(room_of(path) == "ring" for path in tree):
        print(f"tidy: {sys.argv[1]} is not the source root", file=sys.stderr)
        return 2
    for check in CHECKS:
        findings.extend(check(tree))
    for path, line, sentence in sorted(findings):
        print(f"{path}:{line}: {sentence}")
    print(f"tidy: {len(tree)} files, {len(CHECKS)} checks, {len(findings)} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
