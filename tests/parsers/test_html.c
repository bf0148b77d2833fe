#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include "parsers/html.h"

#define CNT(rows) (sizeof(rows) / sizeof(*(rows)))

static _Alignas(8) uint8_t memory[65536];
static struct sl_out out;
static struct sl_text_stats stats;

static void open_text(void)
{
    sl_out_begin(&out, memory, sizeof memory, 1);
    sl_out_open(&out);
    stats = (struct sl_text_stats){ 0, 0 };
}

static const char *opened(void)
{
    static char text[65536];
    struct sl_slice slice = sl_out_opened(&out);
    memcpy(text, slice.data, slice.len);
    text[slice.len] = '\0';
    return text;
}

static struct sl_span span_of(const char *text)
{
    return (struct sl_span){ (const uint8_t *)text, (uint32_t)strlen(text) };
}

struct row {
    const char *html, *want;
};

static void check_body(const struct row *row, size_t cnt)
{
    for (size_t i = 0; i < cnt; i++) {
        open_text();
        sl_html_put_body(&out, SL_CHARSET_UTF8, span_of(row[i].html), &stats);
        cr_expect_str_eq(opened(), row[i].want, "%s:\n got  %s\n want %s", row[i].html, opened(), row[i].want);
    }
}

Test(html, blocks_become_paragraphs_and_white_space_folds)
{
    static const struct row rows[] = {
        {"",                                                   ""                    },
        { "plain",                                             "plain"               },
        { " a \n b\t c ",                                      "a b c"               },
        { "<p>One.</p><p>Two.</p>",                            "One.\n\nTwo."        },
        { "<P>One.<p>Two.",                                    "One.\n\nTwo."        },
        { "<p>One.</p>\n \n<p/>\n<p>&nbsp;</p><p> Two.</p>\n", "One.\n\nTwo."        },
        { "<div><div><p>One</p></div></div>two",               "One\n\ntwo"          },
        { "<h1>Head</h1>text<hr>more",                         "Head\n\ntext\n\nmore"},
        { "<blockquote>said</blockquote> he",                  "said\n\nhe"          },
        { "un<b>bro</b>ken <i> one </i> two",                  "unbroken one two"    },
        { "a<span> </span>b",                                  "a b"                 },
        { "x<unknown y=z>y</unknown>z",                        "xyz"                 },
        { "12\u00a0000 kr",                                    "12\u00a0000 kr"      },
        { "end&nbsp;</p>next",                                 "end\n\nnext"         },
    };
    check_body(rows, CNT(rows));
}

Test(html, a_break_ends_a_line_but_joins_at_the_print_column)
{
    static const struct row rows[] = {
        {"one<br>two",                                                                         "one\ntwo"                     },
        { "one<br/>two<br />three",                                                            "one\ntwo\nthree"              },
        { "one<br><br>two",                                                                    "one\n\ntwo"                   },
        { "one<br> <br>\n<br>two<br>",                                                         "one\n\ntwo"                   },
        { "Two</br>lines",                                                                     "Two\nlines"                   },
        { "<p>The harbour office said on Monday that the ferry had <br />come back to port after a night at sea, with "
          "all. <br />Hands are well.</p>",                                           "The harbour office said on Monday that the ferry had come back to port after a night at sea, with all.\n"
          "Hands are well."                                               },
        { "<p>The harbour office said on Monday that the ferry is in the <br />port again after a night at sea, with "
          "all hands well. <br />The line sails in the morning.</p>",                 "The harbour office said on Monday that the ferry is in the port again after a night at sea, with all hands "
          "well. The line sails in the morning."},
        { "<p>The harbour office said on Monday that the ferry is in the<br>- first item</p>",
         "The harbour office said on Monday that the ferry is in the\n- first item"                                           },
    };
    check_body(rows, CNT(rows));
}

Test(html, lists_have_dashes_or_numbers)
{
    static const struct row rows[] = {
        {"<ul><li>a</li><li>b</li></ul>",             "- a\n- b"             },
        { "<ul><li>a<li>b</ul>c",                     "- a\n- b\n\nc"        },
        { "<ol><li>a<li>b<ul><li>x</ul><li>c</ol>",   "1. a\n2. b\n- x\n3. c"},
        { "<li>a<li>b",                               "- a\n- b"             },
        { "<ul><li>\u2022 own</li><li></li></ul>end", "\u2022 own\n\nend"    },
        { "<ol><li><p>a</p></li></ol>",               "1. a"                 },
        { "<dl><dt>term<dd>what it is</dl>",          "term\nwhat it is"     },
    };
    check_body(rows, CNT(rows));
}

Test(html, a_row_is_a_line_of_cells)
{
    static const struct row rows[] = {
        {"<table><tr><td>a</td><td>b</td></tr><tr><td>c<td>d</table>e",                                             "a\tb\nc\td\n\ne"  },
        { "x<table><caption>Cap</caption><tr><th></th><th>G</th></tr></table>",                                     "x\n\nCap\n\tG"    },
        { "<table><tr><td>a</td><td></td><td></td></tr><tr><td></td></tr><tr><td>b</td></tr></table>",              "a\nb"             },
        { "<table><tr><td><p>a</p></td><td><p>b</p><p>c<br>d</p></td></tr><tr><td><p>e</p></td><td>f</td></table>",
         "a\tb c d\ne\tf"                                                                                                              },
        { "<table><tr><td><p>Layout.</p><p>Only.</p></td></tr></table>",                                            "Layout.\n\nOnly." },
        { "<table><tr><td>x<br>y</td><td>z</td></tr></table>",                                                      "x y\tz"           },
        { "<table><tr><td>out<table><tr><td>a<td>b<tr><td>c<td>d</table></td></tr></table>",                        "out\n\na\tb\nc\td"},
        { "<td>stray</td> text</tr></table>",                                                                       "stray text"       },
    };
    check_body(rows, CNT(rows));
}

Test(html, preformatted_lines_stay_and_wide_gaps_are_columns)
{
    static const struct row rows[] = {
        {"<pre>\nMexico v Panama\nMexico: Talavera,\n\n\nEnd\n</pre>", "Mexico v Panama\nMexico: Talavera,\n\nEnd"},
        { "<pre>a    1   2\nbb   3   4</pre>z",                        "a\t1\t2\nbb\t3\t4\n\nz"                   },
        { "<pre>One.  Two words\r\n  <b>in</b>dented</pre>",           "One. Two words\nindented"                 },
    };
    check_body(rows, CNT(rows));
}

Test(html, what_is_no_text_is_left_out)
{
    static const struct row rows[] = {
        {"a<script>if (x<y) document.write('<p>no</p>')</script>b",           "ab"               },
        { "a<SCRIPT>no</ScRiPt >b<style>p{}</style>",                         "ab"               },
        { "a<script>never closed <p>x",                                       "a"                },
        { "<html><head><title>t</title><meta x></head><body>b</body></html>", "b"                },
        { "<head>never closed<body>b",                                        "never closed\n\nb"},
        { "<title/>a",                                                        "a"                },
        { "a<!-- <p>no</p> -->b<!-->c<!doctype x>d<?php e?>",                 "abcd"             },
        { "a<!-- never closed",                                               "a"                },
        { "<![CDATA[a]]>",                                                    "a]]>"             },
        { "a<img src='http://x/pixel.gif?a>b' width=1>b",                     "ab"               },
        { "<figure><img><figcaption>Photo: N.N.</figcaption></figure>text",   "text"             },
    };
    check_body(rows, CNT(rows));
}

Test(html, what_is_no_tag_is_text)
{
    static const struct row rows[] = {
        {"a < b && c > d",                                               "a < b && c > d"        },
        { "1<2",                                                         "1<2"                   },
        { "<",                                                           "<"                     },
        { "</",                                                          "</"                    },
        { "<p",                                                          "<p"                    },
        { "write to <desk@agency.example> or <https://agency.example/>",
         "write to <desk@agency.example> or <https://agency.example/>"                           },
        { "<a href='never closed>text</a>",                              "text"                  },
        { "<p title=\"a>b\">c",                                          "c"                     },
        { "AT&T, R&D; &unknown; &",                                      "AT&T, R&D; &unknown; &"},
        { "<!",                                                          "<!"                    },
    };
    check_body(rows, CNT(rows));
}

Test(html, references_are_decoded_once)
{
    static const struct row rows[] = {
        {"&lt;p&gt; &amp;amp; &quot;&apos;",                                 "<p> &amp; \"'"                     },
        { "&eacute;&Eacute;&euro;&hellip;&CounterClockwiseContourIntegral;", "\u00e9\u00c9\u20ac\u2026\u2233"    },
        { "&#233;&#xe9;&#XE9;&#8217;s",                                      "\u00e9\u00e9\u00e9\u2019s"         },
        { "&#150;&#147;x&#148;",                                             "\u2013\u201cx\u201d"               },
        { "&copy 2026 &pound5 x?a=1&copy=2 &#64",                            "\u00a9 2026 &pound5 x?a=1&copy=2 @"},
        { "&#0;&#xd800;&#99999999999;",                                      "\ufffd\ufffd\ufffd"                },
        { "&#x1f600;",                                                       "\U0001f600"                        },
        { "a&#7;b&#10;c&#13;d",                                              "ab c d"                            },
        { "&#;&#x;&;",                                                       "&#;&#x;&;"                         },
        { "&notin; &not; &nGt;",                                             "\u2209 \u00ac &nGt;"               },
    };
    check_body(rows, CNT(rows));
}

Test(html, any_character_set_comes_out_as_utf8)
{
    static const struct {
        enum sl_charset charset;
        const char *html, *want;
        uint32_t repaired_cnt;
    } rows[] = {
        {SL_CHARSET_WINDOWS_1252, "<p>caf\xe9 &eacute;\x85</p>", "caf\u00e9 \u00e9\u2026",  0},
        { SL_CHARSET_ISO_8859_1,  "<p>\xa3 5",                   "\u00a3 5",                0},
        { SL_CHARSET_UTF8,        "caf\u00e9 \xe9t\u00e9",       "caf\u00e9 \ufffdt\u00e9", 1},
        { SL_CHARSET_UTF8,        "a\ufffd",                     "a\ufffd",                 1},
        { SL_CHARSET_UTF8,
         "a\xc2\x85\x01\x7f"
          "b",                                                   "ab",                      0},
        { SL_CHARSET_UTF8,        "\u3053\uff0c\u3093",          "\u3053\uff0c\u3093",      0},
    };
    for (size_t i = 0; i < CNT(rows); i++) {
        open_text();
        sl_html_put_body(&out, rows[i].charset, span_of(rows[i].html), &stats);
        cr_expect_str_eq(opened(), rows[i].want, "got %s want %s", opened(), rows[i].want);
        cr_expect_eq(stats.repaired_cnt, rows[i].repaired_cnt, "%s", rows[i].want);
    }
}

Test(html, a_line_is_one_line)
{
    static const struct row rows[] = {
        {"<p>Head</p><p>line</p>",                 "Head line"          },
        { "UPDATE&nbsp;1 - <i>x</i><br>y",         "UPDATE\u00a01 - x y"},
        { "<ul><li>a<li>b</ul><pre>c  d\ne</pre>", "a b c d e"          },
        { "<table><tr><td>a<td>b</table>",         "a b"                },
    };
    for (size_t i = 0; i < CNT(rows); i++) {
        open_text();
        sl_html_put_line(&out, SL_CHARSET_UTF8, span_of(rows[i].html), NULL);
        cr_expect_str_eq(opened(), rows[i].want, "got %s want %s", opened(), rows[i].want);
    }
}

Test(html, what_stood_there_before_is_parted_by_a_blank_line)
{
    open_text();
    sl_out_put(&out, "Lead.", 5);
    sl_html_put_body(&out, SL_CHARSET_UTF8, span_of("<p>One.<p>Two."), NULL);
    cr_expect_str_eq(opened(), "Lead.\n\nOne.\n\nTwo.");
}

Test(html, escaping_is_undone_once_and_in_place)
{
    static const struct row rows[] = {
        {"&lt;p&gt;a &amp;amp; b&lt;/p&gt;", "<p>a &amp; b</p>"},
        { "no reference",                    "no reference"    },
        { "& &amp &x; &#65;",                "& & &x; A"       },
    };
    for (size_t i = 0; i < CNT(rows); i++) {
        char text[64];
        strcpy(text, rows[i].html);
        uint32_t len = sl_html_unescape((uint8_t *)text, span_of(text));
        cr_expect(len == strlen(rows[i].want) && memcmp(text, rows[i].want, len) == 0, "%.*s", (int)len, text);
    }
}

Test(html, markup_and_escaped_markup_are_told_apart)
{
    static const struct {
        const char *text;
        bool is_markup, is_escaped;
    } rows[] = {
        {"plain, a < b",                   false, false},
        { "<p>x",                          true,  false},
        { "text<br/>text",                 true,  false},
        { "<reporter>",                    false, false},
        { "&lt;p&gt;x&lt;/p&gt;",          false, true },
        { "<p>how to write &lt;b&gt;</p>", true,  false},
        { "a &lt; b",                      false, false},
    };
    for (size_t i = 0; i < CNT(rows); i++) {
        cr_expect_eq(sl_html_is_markup(span_of(rows[i].text)), rows[i].is_markup, "%s", rows[i].text);
        cr_expect_eq(sl_html_is_escaped(span_of(rows[i].text)), rows[i].is_escaped, "%s", rows[i].text);
    }
}

Test(html, safe_html_holds_nothing_that_acts)
{
    static const struct row rows[] = {
        {"<p class=x onclick=\"steal()\">a</p>",                                       "<p>a</p>"                                              },
        { "<P>a<B>b</P>c",                                                             "<p>a<b>b</b></p>c"                                     },
        { "<a href=\"https://agency.example/?a=1&amp;b=2\" onclick=x>l</a>",
         "<a href=\"https://agency.example/?a=1&amp;b=2\">l</a>"                                                                               },
        { "<a href=javascript:alert(1)>l</a>",                                         "<a>l</a>"                                              },
        { "<a href='java\nscript:x'>l</a><a data-href='http://x'>m</a>",               "<a>l</a><a>m</a>"                                      },
        { "<script>x</script><style>y</style><iframe src=z></iframe>t",                "t"                                                     },
        { "a<br>b &lt;script&gt; &amp; \"q\" long enough to be escaped in its bounds",
         "a<br/>b &lt;script&gt; &amp; &quot;q&quot; long enough to be escaped in its bounds"                                                  },
        { "<img src=x onerror=y><font color=red>t</font></p>",                         "t"                                                     },
        { "<ul><li>a<li>b</ul> and some words behind it",                              "<ul><li>a<li>b</li></li></ul> and some words behind it"},
    };
    for (size_t i = 0; i < CNT(rows); i++) {
        open_text();
        cr_expect(sl_html_put_safe(&out, SL_CHARSET_UTF8, span_of(rows[i].html), NULL));
        cr_expect_str_eq(opened(), rows[i].want, "got %s want %s", opened(), rows[i].want);
    }
    open_text();
    cr_expect_not(sl_html_put_safe(&out, SL_CHARSET_UTF8, span_of("\"\"\"\"\"\"\"\""), NULL));
    cr_expect_str_eq(opened(), "");
}

/* What would make a reader that looks ahead look at everything again and again. */
Test(html, hostile_strings_take_one_look)
{
    static const char *const units[] = { "<a x='>' ",    "<a x=\"", "<!--",    "<",         "&",    "<table><tr><td>",
                                         "<figcaption>", "<ul>",    "<a ",     "<![CDATA[", "<br>", "</script",
                                         "<pre>\n ",     "&nbsp;",  "<td>\n\n" };
    uint32_t len = 8u << 20;
    char *text = malloc(len);
    void *mem = malloc(4 * len);
    for (size_t i = 0; i < CNT(units); i++) {
        uint32_t unit = (uint32_t)strlen(units[i]), used = 0;
        while (len - used >= unit) {
            memcpy(text + used, units[i], unit);
            used += unit;
        }
        sl_out_begin(&out, mem, 4 * len, 1);
        sl_out_open(&out);
        sl_html_put_body(&out, SL_CHARSET_UTF8, (struct sl_span){ (uint8_t *)text, used }, NULL);
        cr_expect_not(out.full, "%s", units[i]);
        sl_out_cut(&out, 0);
        sl_html_put_safe(&out, SL_CHARSET_UTF8, (struct sl_span){ (uint8_t *)text, used }, NULL);
        cr_expect_not(out.full, "%s", units[i]);
    }
    free(mem);
    free(text);
}
