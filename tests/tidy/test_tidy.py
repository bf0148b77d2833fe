"""Each check of tidy.py must be able to fail: trees that it must refuse, and for what; and trees that it must not."""

import os
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import tidy

HEADER = """/* ring/x.h - a thing between two threads.
 *
 * Life      new, join.
 * Threads   Two.
 * Errors    0 or -errno.
 * Order     BORN  magic: new -> join.  The shape first.
 *           PUB   tail: put -> get.
 */
#ifndef SL_RING_X_H
#define SL_RING_X_H

int sl_x_new(void *mem);

#endif
"""
EVENING = "## An evening's reading\n%s\n## Rest\n"
SOURCE = """#include "ring/x.h"
#include <string.h>

int sl_x_new(void *mem)
{
    /* BORN, release side: pairs with check_join.  Last of all. */
    atomic_store_explicit(&x->magic, 1, memory_order_release);
}

static int check_join(const void *mem)
{
    /* BORN, acquire side: pairs with sl_x_new. */
    return atomic_load_explicit(&x->magic, memory_order_acquire);
}

void sl_x_put(struct x *x)
{
    /* PUB, writer's side: pairs with sl_x_get. */
    sl_fence_full();
}

void sl_x_get(struct x *x)
{
    /* PUB, reader's side: pairs with sl_x_put. */
    sl_fence_full();
    /* Relaxed: only we write it. */
    atomic_load_explicit(&x->tail, memory_order_relaxed);
}
"""
README = """# ring/

**What this room knows.** Bytes.

**What it never does.** Talk.

**The files, in reading order.** `x.h .c`.
"""
GOOD = {
    "ring/x.h": HEADER,
    "ring/x.c": SOURCE,
    "ring/README.md": README,
    "ring/meson.build": "static_library('slring', 'x.c')\n",
    "ARCHITECTURE.md": EVENING % "`ring/x.h`, `ring/x.c`",
}


def changed(path, old, new, tree=GOOD):
    assert old in tree[path], f"{path} has no {old!r}"
    return {**tree, path: tree[path].replace(old, new, 1)}


def with_file(path, text):
    return {**GOOD, path: text}


REFUSED = [
    # includes
    (
        tidy.check_includes,
        with_file("ring/y.c", '#include "parsers/text.h"\n'),
        'ring/ must not include "parsers/text.h"',
    ),
    (tidy.check_includes, with_file("parsers/y.c", '#include "ring/x.h"\n'), 'parsers/ must not include "ring/x.h"'),
    (tidy.check_includes, with_file("parsers/y.c", '#include "pipeline/rx.h"\n'), "must not include"),
    (tidy.check_includes, with_file("pipeline/y.c", '#include "tests/said.h"\n'), "must not include"),
    (tidy.check_includes, with_file("pipeline/y.c", '#  include "bench/bench.h"\n'), "must not include"),
    (tidy.check_includes, with_file("pipeline/y.c", '#include "../ring/x.h"\n'), "must not include"),
    (tidy.check_includes, with_file("ring/y.c", '#include "x.h"\n'), "must not include"),
    (tidy.check_includes, with_file("pipeline/y.c", '#include "ring/z.h"\n'), 'there is no "ring/z.h"'),
    (tidy.check_includes, with_file("pipeline/y.c", "#include <ring/x.h>\n"), "is ours"),
    (tidy.check_includes, with_file("parsers/y.c", "#include <stdio.h>\n"), "is not among what parsers/"),
    (tidy.check_includes, with_file("ring/y.c", "#include <pthread.h>\n"), "is not among what ring/"),
    # folders, builds
    (tidy.check_folders, with_file("pipeline/util/list.c", ""), "there is no util/"),
    (tidy.check_folders, with_file("common/list.c", ""), "there is no common/"),
    (
        tidy.check_links,
        changed("ring/meson.build", "'x.c'", "'x.c', dependencies: parsers_dep"),
        "must not link parsers_dep",
    ),
    (tidy.check_links, with_file("parsers/meson.build", "ring_dep"), "must not link ring_dep"),
    (tidy.check_built, with_file("ring/y.c", ""), "nobody builds it"),
    (tidy.check_built, with_file("tests/ring/test_y.c", ""), "nobody builds it"),
    # calls
    (tidy.check_calls, changed("ring/x.c", "sl_fence_full();", "p = malloc(4);"), "allocates (malloc)"),
    (tidy.check_calls, changed("ring/x.c", "sl_fence_full();", "free (p);"), "allocates (free)"),
    (tidy.check_calls, changed("ring/x.c", "sl_fence_full();", 'printf("x");'), "talks (printf)"),
    (tidy.check_calls, with_file("parsers/y.c", "snprintf(a, 1, b);\n"), "talks"),
    (tidy.check_calls, with_file("parsers/y.c", "exit(1);\n"), "exits (exit)"),
    (tidy.check_calls, with_file("parsers/y.c", "now = time(NULL);\n"), "reads the time"),
    (tidy.check_calls, with_file("pipeline/y.c", "clock_gettime(id, &ts);\n"), "reads the time"),
    (tidy.check_calls, with_file("pipeline/y.c", "pthread_create(&id, 0, f, 0);\n"), "makes a thread"),
    (tidy.check_calls, with_file("ring/y.c", "pid = fork();\n"), "makes a process"),
    # READMEs
    (tidy.check_readmes, {path: text for path, text in GOOD.items() if "README" not in path}, "is missing"),
    (
        tidy.check_readmes,
        changed("ring/README.md", "What this room knows", "About"),
        "does not say what this room knows",
    ),
    (tidy.check_readmes, changed("ring/README.md", "What it never does", "Never"), "does not say what it never does"),
    (tidy.check_readmes, changed("ring/README.md", "The files, in reading order", "Files"), "does not say the files"),
    (
        tidy.check_readmes,
        with_file("ring/README.md", "The files in reading order `x.h`. What this room knows. What it never does."),
        "in another order",
    ),
    (tidy.check_readmes, changed("ring/README.md", "`x.h .c`", "`x.h`, `gone.c`"), "names gone.c, which is not there"),
    (tidy.check_readmes, changed("ring/README.md", "`x.h .c`", "x"), "does not name x.h"),
    (tidy.check_evening, {}, "does not say what to read"),
    (tidy.check_evening, {"ARCHITECTURE.md": EVENING % "Nothing."}, "has 0 lines read"),
    (tidy.check_evening, {"ARCHITECTURE.md": EVENING % "`ring/gone.c`"}, "has ring/gone.c read, which is not"),
    (
        tidy.check_evening,
        {"ARCHITECTURE.md": EVENING % "`ring/x.c`", "ring/x.c": "\n" * (tidy.EVENING + 1)},
        "lines read in an evening",
    ),
    (tidy.check_readmes, with_file("bench/README.md", "What this folder knows."), "does not say what it never does"),
    # orders
    (tidy.check_edges, changed("ring/x.c", "BORN, acquire", "BRON, acquire"), "BRON is no order that ring/x.h lists"),
    (tidy.check_edges, changed("ring/x.c", "BORN, acquire", "BRON, acquire"), "BORN stands 1 times in code"),
    (tidy.check_edges, changed("ring/x.h", " *           PUB   tail: put -> get.\n", ""), "PUB is no order"),
    (
        tidy.check_edges,
        changed("ring/x.h", "PUB   tail", "PUB   tail: a.\n *           FREE  tail"),
        "FREE stands 0 times",
    ),
    (tidy.check_edges, changed("ring/x.c", "BORN, acquire side", "BORN, release side"), "are not the two sides"),
    (tidy.check_edges, changed("ring/x.c", "PUB, reader's side", "PUB, writer's side"), "are not the two sides"),
    (tidy.check_edges, changed("ring/x.c", "BORN, acquire side", "BORN, reader's side"), "are not the two sides"),
    (
        tidy.check_edges,
        changed("ring/x.c", "pairs with sl_x_new", "pairs with sl_x_old"),
        "its other side is in sl_x_new",
    ),
    (
        tidy.check_edges,
        changed("ring/x.c", "pairs with check_join", "pairs with sl_x_get"),
        "its other side is in check_join",
    ),
    (tidy.check_edges, changed("ring/x.c", "PUB, reader's side: pairs", "PUB: pairs"), "PUB stands 1 times"),
    (
        tidy.check_edges,
        {**GOOD, "ring/x.c": SOURCE + "int f(void)\n{\n    /* PUB, reader's side: pairs with sl_x_put. */\n}\n"},
        "PUB stands 3 times",
    ),
    (
        tidy.check_atomics,
        changed("ring/x.c", "    /* BORN, acquire side: pairs with sl_x_new. */\n", ""),
        "memory_order_acquire",
    ),
    (
        tidy.check_atomics,
        changed("ring/x.c", "    /* PUB, reader's side: pairs with sl_x_put. */\n", ""),
        "sl_fence_full",
    ),
    (
        tidy.check_atomics,
        changed("ring/x.c", "pairs with sl_x_new. */\n", "pairs with sl_x_new. */\n\n\n"),
        "has no comment",
    ),
    (
        tidy.check_atomics,
        changed("ring/x.c", "sl_fence_full();", "atomic_thread_fence(memory_order_seq_cst);\n" * 3),
        "has no",
    ),
    (tidy.check_atomics, changed("ring/x.c", "sl_fence_full();", "atomic_store(&a, 1);"), "does not say its order"),
    (tidy.check_atomics, with_file("pipeline/y.c", "atomic_fetch_add(&a, 1);\n"), "does not say its order"),
    (tidy.check_relaxed, changed("ring/x.c", "    /* Relaxed: only we write it. */\n", ""), "no comment why"),
    # headers
    (tidy.check_headers, changed("ring/x.h", "/* ring/x.h - a", "/* ring/y.h - a"), "must open with /* ring/x.h -"),
    (tidy.check_headers, changed("ring/x.h", "/* ring/x.h - a", "/* A"), "must open with"),
    (tidy.check_headers, changed("ring/x.h", "#ifndef SL_RING_X_H", "#ifndef SL_X"), "no include guard"),
    (tidy.check_headers, changed("ring/x.h", "int sl_x_new", "int x_new"), "x_new is public"),
    (
        tidy.check_headers,
        changed("ring/x.h", " * Life      new, join.\n * Threads   Two.\n", ""),
        "neither Life nor Threads",
    ),
    (tidy.check_headers, changed("ring/x.h", " * Life      new, join.\n", ""), "sl_x_new begins something"),
    (
        tidy.check_headers,
        changed("ring/x.h", " * Life      new, join.\n * Threads   Two.\n", " * Threads   Two.\n * Life      new.\n"),
        "their order is Life, Threads",
    ),
    (
        tidy.check_headers,
        changed("ring/x.h", " * Errors    0 or -errno.\n", "", changed("ring/x.h", "int sl", "/* -errno. */\nint sl")),
        "does not say Errors",
    ),
    # letters and words
    (tidy.check_letters, with_file("ring/y.c", "int a;\tint b;\n"), "has a tab"),
    (tidy.check_letters, with_file("ring/y.c", "int a; \n"), "ends in blanks"),
    (tidy.check_letters, with_file("ring/y.c", "int a;\r\n"), "U+000D"),
    (tidy.check_letters, with_file("ring/y.c", "int a;"), "does not end with a line end"),
    (tidy.check_letters, with_file("ring/y.c", "/* " + "a" * 120 + " */\n"), "columns wide"),
    (tidy.check_letters, with_file("tests/y.c", "int " + "a" * 120 + ";\n"), "columns wide"),
    (tidy.check_letters, with_file("ring/y.c", 'char *a = "' + "a" * 120 + '";\n'), "columns wide"),
    (tidy.check_letters, with_file("ring/y.c", "int caf\u00e9;\n"), "U+00E9 stands outside"),
    (tidy.check_letters, with_file("ring/y.c", "/* \u202e */\n"), "U+202E cannot be seen"),
    (tidy.check_letters, with_file("ring/y.c", '"\u00a0"\n'), "U+00A0 cannot be seen"),
    (tidy.check_letters, with_file("tests/y.py", "a = '\u200b'\n"), "U+200B cannot be seen"),
    (tidy.check_words, with_file("ring/y.c", "/* TO" + "DO: more */\n"), "finish it"),
    (tidy.check_words, with_file("ring/y.c", "// fix" + "me later\n"), "finish it"),
    (tidy.check_words, with_file("ring/y.c", "/* Good for" + " now. */\n"), "finish it"),
    (tidy.check_words, with_file("tests/y.py", "# a st" + "ub\n"), "finish it"),
    (tidy.check_words, with_file("ring/notes.md", "X" + "XX\n"), "finish it"),
    (tidy.check_words, with_file("tests/y.py", "a = '/wo" + "rk/x'\n"), "somebody's machine"),
    (tidy.check_words, with_file("ring/y.h", "typedef struct x x_t;\n"), "typedef"),
]

ACCEPTED = [
    with_file("pipeline/y.c", '#include "ring/x.h"\n#include <pthread.h>\n'),
    with_file("tests/y.c", '#include "ring/x.h"\n#include "tests/z.h"\n') | {"tests/z.h": "\n"},
    with_file("ring/y.c", '/* malloc(1); printf("x"); memory_order_acquire; #include "parsers/x.h" */\n'),
    with_file("ring/y.c", 'want = "free() and TO' + 'DO and time(NULL)";\n'),
    with_file("ring/y.c", "sl_pool_free(p); struct sl_free free_list; a.free = 1;\n"),
    with_file("pipeline/y.c", "atomic_signal_fence(memory_order_seq_cst);\n"),
    with_file("tests/y.c", 'want = "' + "a" * 200 + '";\n'),
    with_file("parsers/y.c", '/* caf\u00e9 \u2013 \u20ac */ char *a = "\u00e9";\n'),
    with_file("pipeline/y.c", 'strcpy(folder, "/tmp/slugline-XX' + 'XXXX");\n'),
    changed("ring/README.md", "`x.h .c`", "`x*.c`"),
]


class TestTidy(unittest.TestCase):
    def test_a_good_tree_has_no_findings(self):
        for check in tidy.CHECKS:
            self.assertEqual(list(check(GOOD)), [], check.__name__)

    def test_every_bad_tree_is_refused_for_its_reason(self):
        for check, tree, want in REFUSED:
            findings = [sentence for _, _, sentence in check(tree)]
            found = any(want in sentence for sentence in findings)
            self.assertTrue(found, f"{check.__name__}: {want!r} not in {findings}")

    def test_what_only_looks_bad_is_accepted(self):
        by_tree = [check for check in tidy.CHECKS if check not in (tidy.check_built, tidy.check_readmes, tidy.check_evening)]
        for tree in ACCEPTED:
            for check in by_tree:
                self.assertEqual(list(check(tree)), [], check.__name__)

    def test_every_check_is_seen_to_fail(self):
        self.assertEqual({check for check, _, _ in REFUSED}, set(tidy.CHECKS))

    def test_findings_have_the_right_line(self):
        tree = changed("ring/x.c", "    /* Relaxed: only we write it. */\n", "")
        self.assertEqual([line for _, line, _ in tidy.check_relaxed(tree)], [26])
        tree = changed("ring/x.c", "    /* BORN, acquire side: pairs with sl_x_new. */\n", "")
        self.assertEqual([line for _, line, _ in tidy.check_atomics(tree)], [12])


if __name__ == "__main__":
    unittest.main()
