/* parsers/xml: what a document says, event by event, and where one that is not well-formed stops being one. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "parsers/xml.h"

#define CNT(array) (sizeof(array) / sizeof *(array))

static struct sl_parse parse;
static struct sl_feed_facts feed;
static struct sl_xml xml;
static struct sl_out out;
static _Alignas(8) uint8_t scratch[1u << 16];
static _Alignas(8) uint8_t bulletin[1u << 16];

static void begin_bytes(const void *data, size_t len, const struct sl_xml_names *names)
{
    sl_parse_init(&parse, scratch, sizeof scratch);
    sl_parse_begin(&parse, sl_format_by_id(SL_FORMAT_TEXT), &feed, data, (uint32_t)len, 0);
    sl_out_begin(&out, bulletin, sizeof bulletin, 1);
    sl_xml_begin(&xml, &parse, (struct sl_span){ data, (uint32_t)len }, names, SL_CHARSET_UNKNOWN);
}

static void begin(const char *document) { begin_bytes(document, strlen(document), NULL); }

/* ---- events as one line ----
 *
 * (name attr=value   )name   'text'   [cdata]   .   !code offset wish */

static char trace[1u << 16];
static size_t trace_len;

static void say(const char *text, size_t len)
{
    cr_assert_lt(trace_len + len, sizeof trace);
    memcpy(trace + trace_len, text, len);
    trace_len += len;
    trace[trace_len] = '\0';
}

static void say_span(struct sl_span span) { say((const char *)span.data, span.len); }

static void say_opened(void)
{
    struct sl_slice text = sl_out_opened(&out);
    say(text.data, text.len);
    sl_out_close(&out);
}

static void say_start(void)
{
    say("(", 1);
    say_span(sl_xml_name(&xml));
    for (uint32_t i = 0; i < xml.attr_cnt; i++) {
        say(" ", 1);
        say_span(xml.attrs[i].name);
        say("=", 1);
        sl_out_open(&out);
        sl_xml_put_value(&xml, &out, &xml.attrs[i]);
        say_opened();
    }
}

static void say_text(void)
{
    bool is_cdata = (xml.marks & SL_XML_IS_CDATA) != 0;
    say(is_cdata ? "[" : "'", 1);
    sl_out_open(&out);
    sl_xml_put(&xml, &out);
    say_opened();
    say(is_cdata ? "]" : "'", 1);
}

static void say_event(void)
{
    char line[256];
    switch (xml.event) {
    case SL_XML_START:
        say_start();
        break;
    case SL_XML_END:
        say(")", 1);
        say_span(sl_xml_name(&xml));
        break;
    case SL_XML_TEXT:
        say_text();
        break;
    case SL_XML_DONE:
        say(".", 1);
        break;
    case SL_XML_ERROR:
        snprintf(line, sizeof line, "!%s %u %s", sl_parse_code_name(xml.err.code), xml.err.off, xml.err.want);
        say(line, strlen(line));
        break;
    }
}

static const char *events(void)
{
    trace_len = 0;
    trace[0] = '\0';
    do {
        sl_xml_next(&xml);
        say_event();
    } while (xml.event != SL_XML_DONE && xml.event != SL_XML_ERROR);
    return trace;
}

static void expect_events(const char *document, size_t len, const char *want)
{
    begin_bytes(document, len, NULL);
    const char *got = events();
    cr_expect_str_eq(got, want, "%s\n got  %s\n want %s", document, got, want);
}

static const char *error_of(const char *document, size_t len)
{
    begin_bytes(document, len, NULL);
    events();
    const char *error = strchr(trace, '!');
    return error ? error : "none";
}

/* ---- what is read ---- */

Test(xml, says_what_a_document_holds_in_order)
{
    static const struct {
        const char *document, *want;
    } rows[] = {
        {"<a/>",                                                                  "(a)a."                                   },
        { "<a></a>",                                                              "(a)a."                                   },
        { "<a ></a >",                                                            "(a)a."                                   },
        { "<a\n/>\n",                                                             "(a)a."                                   },
        { "<a>x</a>",                                                             "(a'x')a."                                },
        { "<a><b/>x<c>y</c></a>",                                                 "(a(b)b'x'(c'y')c)a."                     },
        { "<a> <b/> </a>",                                                        "(a' '(b)b' ')a."                         },
        { "<a b='1' c=\"2\"/>",                                                   "(a b=1 c=2)a."                           },
        { "<a b = '1'\tc\n=\r\n\"2\" />",                                         "(a b=1 c=2)a."                           },
        { "<a b='\"' c=\"'\" d='>'/>",                                            "(a b=\" c=' d=>)a."                      },
        { "<a b=''/>",                                                            "(a b=)a."                                },
        { "<?xml version='1.0'?><a/>",                                            "(a)a."                                   },
        { "<?xml version = \"1.0\" encoding=\"UTF-8\" standalone='yes' ?>\n<a/>", "(a)a."                                   },
        { "<?xml version='1.1'?><a/>",                                            "(a)a."                                   },
        { "<!-- before --><a><!-- in --></a><!-- behind -->",                     "(a)a."                                   },
        { "<?go x?><a><?go?>x<?stop ?\?></a><?x y?>\n",                           "(a'x')a."                                },
        { "<a>x<!---->y</a>",                                                     "(a'x''y')a."                             },
        { "<a><![CDATA[<b>&amp;]]&gt;]]]]></a>",                                  "(a[<b>&amp;]]&gt;]]])a."                 },
        { "<a><![CDATA[]]></a>",                                                  "(a)a."                                   },
        { "<a>]] > ]></a>",                                                       "(a']] > ]>')a."                          },
        { "<a>></a>",                                                             "(a'>')a."                                },
        { "<_a.b-c1/>",                                                           "(_a.b-c1)_a.b-c1."                       },
        { "<a:b xmlns:a='u'/>",                                                   "(a:b xmlns:a=u)a:b."                     },
        { "<\xc3\xa9t\xc3\xa9>x</\xc3\xa9t\xc3\xa9>",                             "(\xc3\xa9t\xc3\xa9'x')\xc3\xa9t\xc3\xa9."},
    };
    for (size_t i = 0; i < CNT(rows); i++)
        expect_events(rows[i].document, strlen(rows[i].document), rows[i].want);
}

Test(xml, decodes_references_and_line_ends)
{
    static const struct {
        const char *document, *want;
    } rows[] = {
        {"<a>&lt;&gt;&amp;&quot;&apos;</a>", "(a'<>&\"'')a."                              },
        { "<a>A&#65;&#x42;&#x0063;</a>",     "(a'AABc')a."                                },
        { "<a>&#233;&#x20ac;&#x1F600;</a>",  "(a'\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80')a."},
        { "<a>&amp;lt;</a>",                 "(a'&lt;')a."                                },
        { "<a b='&lt;&#10;&quot;'/>",        "(a b=<\n\")a."                              },
        { "<a b='x\ty\nz\r\nw\rv'/>",        "(a b=x y z w v)a."                          },
        { "<a>x\r\ny\rz\n</a>",              "(a'x\ny\nz\n')a."                           },
        { "<a>x\r\r\ny</a>",                 "(a'x\n\ny')a."                              },
        { "<a><![CDATA[x\r\ny\rz]]></a>",    "(a[x\ny\nz])a."                             },
 /* A control character by reference is XML's, but no text's. */
        { "<a>x&#x85;y&#13;z</a>",           "(a'xyz')a."                                 },
    };
    for (size_t i = 0; i < CNT(rows); i++)
        expect_events(rows[i].document, strlen(rows[i].document), rows[i].want);
}

Test(xml, skips_document_types_and_never_loads_them)
{
    static const char *const documents[] = {
        "<!DOCTYPE a><a/>",
        "<!DOCTYPE a SYSTEM 'nitf.dtd'><a/>",
        "<!DOCTYPE a SYSTEM \"it's\" ><a/>",
        "<!DOCTYPE a PUBLIC \"-//X//DTD a 1.0//EN\" 'http://example.org/a.dtd'>\n<a/>",
        "<!DOCTYPE a []><a/>",
        "<!-- x --><!DOCTYPE a [ <!-- ]> ' --> <?x ]> ' ?> ] ><!-- y --><a/>",
        "<!DOCTYPE a [<!ELEMENT a (#PCDATA)><!ATTLIST a b CDATA '>]' c (x|y) \"'\"><!NOTATION n SYSTEM 'n'>]><a/>",
        "<!DOCTYPE a SYSTEM 'x' [ ]><a/>",
    };
    for (size_t i = 0; i < CNT(documents); i++)
        expect_events(documents[i], strlen(documents[i]), "(a)a.");
}

/* ---- what is refused ---- */

Test(xml, refuses_what_is_not_well_formed_with_place_and_wish)
{
    static const struct {
        const char *document, *want;
    } rows[] = {
        {"",                                                            "!cut 0 the rest of the document"                                    },
        { " \n",                                                        "!cut 2 the rest of the document"                                    },
        { "x",                                                          "!bad_frame 0 the root element"                                      },
        { "<",                                                          "!cut 1 the rest of the document"                                    },
        { "<a",                                                         "!cut 2 the rest of the document"                                    },
        { "<a>",                                                        "!cut 3 the rest of the document"                                    },
        { "<a>x",                                                       "!cut 4 the rest of the document"                                    },
        { "<a></a",                                                     "!cut 6 the rest of the document"                                    },
        { "<a b",                                                       "!cut 4 the rest of the document"                                    },
        { "<a b='",                                                     "!cut 6 the rest of the document"                                    },
        { "<a><!-- ",                                                   "!cut 8 the rest of the document"                                    },
        { "<a><![CDATA[ ]]",                                            "!cut 15 the rest of the document"                                   },
        { "<a>&am",                                                     "!cut 6 the rest of the document"                                    },
        { "<!DOCTYPE a [",                                              "!cut 13 the rest of the document"                                   },
        { "</a>",                                                       "!bad_frame 1 a name"                                                },
        { "<a></b>",                                                    "!bad_frame 5 the end tag of the element that is open"               },
        { "<a></ab>",                                                   "!bad_frame 5 the end tag of the element that is open"               },
        { "<ab></a>",                                                   "!bad_frame 6 the end tag of the element that is open"               },
        { "<a></A>",                                                    "!bad_frame 5 the end tag of the element that is open"               },
        { "<a><b></a></b>",                                             "!bad_frame 8 the end tag of the element that is open"               },
        { "<a></a b='1'>",                                              "!bad_frame 7 > at the end of the tag"                               },
        { "< a/>",                                                      "!bad_frame 1 a name"                                                },
        { "<1/>",                                                       "!bad_frame 1 a name"                                                },
        { "<-a/>",                                                      "!bad_frame 1 a name"                                                },
        { "<a></ a>",                                                   "!bad_frame 5 a name"                                                },
        { "<a/ >",                                                      "!bad_frame 2 />"                                                    },
        { "<a b/>",                                                     "!bad_frame 4 = and a value"                                         },
        { "<a b=1/>",                                                   "!bad_frame 5 a quoted value"                                        },
        { "<a b='1'c='2'/>",                                            "!bad_frame 8 a blank, > or />"                                      },
        { "<a b='<'/>",                                                 "!bad_frame 6 &lt; in a value"                                       },
        { "<a b='&'/>",                                                 "!bad_frame 6 a reference, or &amp;"                                 },
        { "<a b='1' b='2'/>",                                           "!bad_frame 9 each attribute once"                                   },
        { "<a b='1' c='2' b='3'/>",                                     "!bad_frame 15 each attribute once"                                  },
        { "<a>]]></a>",                                                 "!bad_frame 3 ]]&gt; in text"                                        },
        { "<a>x]]]></a>",                                               "!bad_frame 5 ]]&gt; in text"                                        },
        { "<a><![CDATA]></a>",                                          "!bad_frame 3 a comment or CDATA"                                    },
        { "<a><!-- -- --></a>",                                         "!bad_frame 10 --> where a comment has --"                           },
        { "<a><!-- ---></a>",                                           "!bad_frame 10 --> where a comment has --"                           },
        { "<a>& </a>",                                                  "!bad_frame 3 a reference, or &amp;"                                 },
        { "<a>AT&T</a>",                                                "!bad_frame 5 a reference, or &amp;"                                 },
        { "<a>&;</a>",                                                  "!refused 3 one of the five entities"                                },
        { "<a>&nbsp;</a>",                                              "!refused 3 one of the five entities"                                },
        { "<a b='&auml;'/>",                                            "!refused 6 one of the five entities"                                },
        { "<a>&LT;</a>",                                                "!refused 3 one of the five entities"                                },
        { "<a>&#0;</a>",                                                "!bad_text 3 the number of a character that XML allows"              },
        { "<a>&#8;</a>",                                                "!bad_text 3 the number of a character that XML allows"              },
        { "<a>&#xD800;</a>",                                            "!bad_text 3 the number of a character that XML allows"              },
        { "<a>&#xFFFE;</a>",                                            "!bad_text 3 the number of a character that XML allows"              },
        { "<a>&#x110000;</a>",                                          "!bad_text 3 the number of a character that XML allows"              },
        { "<a>&#99999999999999999999;</a>",                             "!bad_text 3 the number of a character that XML allows"              },
        { "<a>&#;</a>",                                                 "!bad_text 3 the number of a character that XML allows"              },
        { "<a>&#x;</a>",                                                "!bad_text 3 the number of a character that XML allows"              },
        { "<a>&#X41;</a>",                                              "!bad_text 3 the number of a character that XML allows"              },
        { "<a/><b/>",                                                   "!bad_frame 4 nothing behind the root element"                       },
        { "<a/>x",                                                      "!bad_frame 4 nothing behind the root element"                       },
        { "<a/>&amp;",                                                  "!bad_frame 4 nothing behind the root element"                       },
        { "<a/><![CDATA[]]>",                                           "!bad_frame 4 nothing behind the root element"                       },
        { "<a/><!DOCTYPE a>",                                           "!bad_frame 4 nothing behind the root element"                       },
        { "<![CDATA[]]><a/>",                                           "!bad_frame 0 the root element"                                      },
        { "<a/><?xml version='1.0'?>",                                  "!bad_frame 4 nothing behind the root element"                       },
        { "<!-- x --><?xml version='1.0'?><a/>",                        "!bad_frame 10 the root element"                                     },
        { "<a><?xml version='1.0'?></a>",                               "!bad_frame 3 the declaration at the start only"                     },
        { "<a><?XmL?></a>",                                             "!bad_frame 3 the declaration at the start only"                     },
        { "<a><?\?></a>",                                               "!bad_frame 5 a name"                                                },
        { "<a><?a:b?></a>",                                             "!bad_frame 5 a target without a colon"                              },
        { "<a><?a/?></a>",                                              "!bad_frame 6 a blank or ?> behind the target"                       },
        { "<?xml?><a/>",                                                "!bad_frame 0 the declaration at the start only"                     },
        { "<?xml encoding='utf-8'?><a/>",                               "!bad_frame 6 version"                                               },
        { "<?xml version='2.0'?><a/>",                                  "!bad_header 15 version 1.0"                                         },
        { "<?xml version='1.'?><a/>",                                   "!bad_header 15 version 1.0"                                         },
        { "<?xml version='1.0\"?><a/>",                                 "!bad_frame 18 the closing quote"                                    },
        { "<?xml version='1.0'encoding='utf-8'?><a/>",                  "!bad_frame 19 ?> at the end of the declaration"                     },
        { "<?xml version='1.0' encoding=''?><a/>",                      "!bad_header 30 the name of an encoding"                             },
        { "<?xml version='1.0' encoding='\xc3\xa9'?><a/>",              "!bad_frame 30 the closing quote"                                    },
        { "<?xml version='1.0' encoding='a:b'?><a/>",                   "!bad_frame 31 the closing quote"                                    },
        { "<?xml version='1.0' standalone='maybe'?><a/>",               "!bad_header 32 yes or no"                                           },
        { "<?xml version='1.0' standalone='no' encoding='utf-8'?><a/>",
         "!bad_frame 36 ?> at the end of the declaration"                                                                                    },
        { "<!DOCTYPE a><!DOCTYPE a><a/>",                               "!bad_frame 12 one document type"                                    },
        { "<!DOCTYPEa><a/>",                                            "!bad_frame 9 a blank"                                               },
        { "<!DOCTYPE a 'x'><a/>",                                       "!bad_frame 12 > at the end of the document type"                    },
        { "<!DOCTYPE a PUBLIC 'x'><a/>",                                "!bad_frame 22 a blank and the system identifier"                    },
        { "<!DOCTYPE a PUBLIC '{' 'x'><a/>",                            "!bad_frame 20 a character of a public identifier"                   },
        { "<!DOCTYPE a [<!ENTITY b 'c'>]><a/>",                         "!refused 13 a document that declares no entities"                   },
        { "<!DOCTYPE a [<!ENTITY % b 'c'>]><a/>",                       "!refused 13 a document that declares no entities"                   },
        { "<!DOCTYPE a [<!ENTITY % b SYSTEM 'c' >%b]><a/>",             "!bad_frame 40 ; at the end of the reference"                        },
        { "<!DOCTYPE a [<!ENTITY % b SYSTEM c>]><a/>",                  "!bad_frame 33 a quoted identifier"                                  },
        { "<!DOCTYPE a [<!ENTITY % b SYSTEM 'c'>%b;]><a>&b;</a>",       "!refused 45 one of the five entities"                               },
        { "<!DOCTYPE a [<!ELEMENT a %b;>]><a/>",                        "!refused 25 a document without parameter entities"                  },
        { "<!DOCTYPE a [<a/>]><a/>",                                    "!bad_frame 13 a declaration, or ] at their end"                     },
        { "<!DOCTYPE a [<!WHAT>]><a/>",                                 "!bad_frame 13 a declaration of an element, attributes or a notation"},
        { "<!DOCTYPE a [<!ELEMENT a <]><a/>",                           "!bad_frame 25 > at the end of the declaration"                      },
        { "<a>\x01</a>",                                                "!bad_text 3 a character that XML allows"                            },
        { "<a b='\x1f'/>",                                              "!bad_text 6 a character that XML allows"                            },
        { "<a><!--\x08--></a>",                                         "!bad_text 7 a character that XML allows"                            },
        { "<a>\xef\xbf\xbf</a>",                                        "!bad_text 3 a character that XML allows"                            },
        { "<a\x02>",                                                    "!bad_text 2 a character that XML allows"                            },
    };
    for (size_t i = 0; i < CNT(rows); i++) {
        const char *got = error_of(rows[i].document, strlen(rows[i].document));
        cr_expect_str_eq(got, rows[i].want, "%s\n got  %s\n want %s", rows[i].document, got, rows[i].want);
    }
}

Test(xml, an_error_stays_and_is_handed_on)
{
    begin("<a><b></a>");
    events();
    cr_expect_eq(sl_xml_next(&xml), SL_XML_ERROR);
    cr_expect_eq(sl_xml_skip_to(&xml, 1), SL_XML_ERROR);
    cr_expect_eq(sl_xml_reject(&xml), SL_PARSE_BAD_FRAME);
    cr_expect_eq(parse.err.off, 8);
    cr_expect_str_eq(parse.err.want, "the end tag of the element that is open");
}

Test(xml, bounds_what_one_place_may_hold)
{
    static char document[8192];
    size_t len = 0;
    for (unsigned i = 0; i <= SL_XML_DEPTH_MAX; i++)
        len += (size_t)sprintf(document + len, "<a>");
    cr_expect_str_eq(error_of(document, len), "!too_deep 768 at most 256 elements in each other");

    len = (size_t)sprintf(document, "<a");
    for (unsigned i = 0; i <= SL_XML_ATTRS_MAX; i++)
        len += (size_t)sprintf(document + len, " b%03u=''", i);
    cr_expect_str_eq(error_of(document, len), "!too_large 1027 at most 128 attributes");

    len = (size_t)sprintf(document, "<a");
    for (unsigned i = 0; i <= SL_XML_BINDINGS_MAX; i++)
        len += (size_t)sprintf(document + len, " xmlns:b%03u='u'", i);
    cr_expect_str_eq(error_of(document, len), "!too_large 963 at most 64 namespace declarations");

    memset(document, 'a', sizeof document);
    document[0] = '<';
    cr_expect_str_eq(error_of(document, sizeof document), "!cut 8192 the rest of the document");
    document[SL_XML_NAME_MAX + 2] = '>';
    cr_expect_str_eq(error_of(document, sizeof document), "!too_large 1 a name of at most 1024 bytes");
    document[SL_XML_NAME_MAX + 1] = '>';
    cr_expect_str_eq(error_of(document, sizeof document), "!cut 8192 the rest of the document");
}

/* ---- namespaces ---- */

Test(xml, knows_the_namespace_of_an_element)
{
    static const struct {
        const char *document;
        enum sl_xml_ns outer, inner;
        const char *uri; /* of the inner */
    } rows[] = {
        {"<a><b/></a>",                                                     SL_XML_NS_NONE,       SL_XML_NS_NONE,  ""                                    },
        { "<a xmlns='http://www.w3.org/1999/xhtml'><b/></a>",               SL_XML_NS_XHTML,      SL_XML_NS_XHTML,
         "http://www.w3.org/1999/xhtml"                                                                                                                  },
        { "<a xmlns='http://www.w3.org/1999/xhtml'><b xmlns=''/></a>",      SL_XML_NS_XHTML,      SL_XML_NS_NONE,  ""                                    },
        { "<a xmlns='u'><b xmlns='http://www.w3.org/2005/Atom'/></a>",      SL_XML_NS_OTHER,      SL_XML_NS_ATOM,
         "http://www.w3.org/2005/Atom"                                                                                                                   },
        { "<x:a xmlns:x='urn:oasis:names:tc:emergency:cap:1.2'><b/></x:a>", SL_XML_NS_CAP,        SL_XML_NS_NONE,  ""                                    },
        { "<x:a xmlns:x='u'><x:b xmlns:x='v'/></x:a>",                      SL_XML_NS_OTHER,      SL_XML_NS_OTHER, "v"                                   },
        { "<x:a><y:b xmlns:y='u'/></x:a>",                                  SL_XML_NS_UNDECLARED, SL_XML_NS_OTHER, "u"                                   },
        { "<a><b xmlns:c='u'/></a>",                                        SL_XML_NS_NONE,       SL_XML_NS_NONE,  ""                                    },
        { "<a><xml:b/></a>",                                                SL_XML_NS_NONE,       SL_XML_NS_XML,   "http://www.w3.org/XML/1998/namespace"},
    };
    for (size_t i = 0; i < CNT(rows); i++) {
        begin(rows[i].document);
        cr_assert_eq(sl_xml_next(&xml), SL_XML_START);
        cr_expect_eq(sl_xml_ns(&xml), rows[i].outer, "%s", rows[i].document);
        cr_assert_eq(sl_xml_next(&xml), SL_XML_START);
        cr_expect_eq(sl_xml_ns(&xml), rows[i].inner, "%s", rows[i].document);
        cr_expect(sl_xml_is(sl_xml_ns_uri(&xml), rows[i].uri), "%s", rows[i].document);
        cr_expect(sl_xml_is(sl_xml_local(&xml), "b"), "%s", rows[i].document);
    }
}

Test(xml, forgets_a_namespace_behind_its_element)
{
    begin("<a><b xmlns='u' xmlns:p='v'/><b/><p:b/></a>");
    static const enum sl_xml_ns want[] = { SL_XML_NS_NONE, SL_XML_NS_OTHER, SL_XML_NS_NONE, SL_XML_NS_UNDECLARED };
    for (unsigned i = 0; sl_xml_next(&xml) != SL_XML_DONE;) {
        cr_assert_neq(xml.event, SL_XML_ERROR);
        if (xml.event == SL_XML_START)
            cr_expect_eq(sl_xml_ns(&xml), want[i++]);
    }
}

Test(xml, refuses_what_namespaces_forbid)
{
    static const struct {
        const char *document, *want;
    } rows[] = {
        {"<a:/>",                                              "!bad_frame 3 a name"                                                    },
        { "<:a/>",                                             "!bad_frame 1 a name"                                                    },
        { "<a:b:c/>",                                          "!bad_frame 4 a name"                                                    },
        { "<a:1/>",                                            "!bad_frame 3 a name"                                                    },
        { "<a b:='1'/>",                                       "!bad_frame 5 a name"                                                    },
        { "<a xmlns:b=''/>",                                   "!bad_frame 3 a namespace for the prefix"                                },
        { "<a xmlns:xmlns='u'/>",                              "!bad_frame 3 xmlns to be left alone"                                    },
        { "<a xmlns:b='http://www.w3.org/2000/xmlns/'/>",      "!bad_frame 3 xmlns to be left alone"                                    },
        { "<a xmlns:xml='u'/>",                                "!bad_frame 3 xml to be the prefix of its own namespace, and of no other"},
        { "<a xmlns='http://www.w3.org/XML/1998/namespace'/>",
         "!bad_frame 3 xml to be the prefix of its own namespace, and of no other"                                                      },
        { "<xmlns:a/>",                                        "!bad_frame 1 xmlns to be left alone"                                    },
        { "<a xmlns:b='u' xmlns:c='u' b:d='1' c:d='2'/>",      "!bad_frame 35 each attribute once"                                      },
        { "<a xmlns='u' xmlns='v'/>",                          "!bad_frame 13 each attribute once"                                      },
    };
    for (size_t i = 0; i < CNT(rows); i++) {
        const char *got = error_of(rows[i].document, strlen(rows[i].document));
        cr_expect_str_eq(got, rows[i].want, "%s\n got  %s\n want %s", rows[i].document, got, rows[i].want);
    }
    const char *fine = "<a xmlns:xml='http://www.w3.org/XML/1998/namespace' xmlns:b='u' b:d='1' d='2' e:d='3'/>";
    cr_expect_str_eq(error_of(fine, strlen(fine)), "none");
}

/* ---- names and attributes ---- */

#define SOME_NAMES(NAME)                                                                                               \
    NAME(NAME_A, "a")                                                                                                  \
    NAME(NAME_HEDLINE, "hedline")                                                                                      \
    NAME(NAME_HEADLINE, "headline")                                                                                    \
    NAME(NAME_HL1, "hl1")                                                                                              \
    NAME(NAME_HL2, "hl2")                                                                                              \
    NAME(NAME_BODY_HEAD, "body.head")                                                                                  \
    NAME(NAME_BODY_CONTENT, "body.content")                                                                            \
    NAME(NAME_P, "p")                                                                                                  \
    NAME(NAME_B, "b")                                                                                                  \
    NAME(NAME_I, "i")                                                                                                  \
    NAME(NAME_U, "u")                                                                                                  \
    NAME(NAME_TD, "td")                                                                                                \
    NAME(NAME_TR, "tr")                                                                                                \
    NAME(NAME_TH, "th") NAME(NAME_LI, "li") NAME(NAME_UL, "ul") NAME(NAME_OL, "ol") NAME(NAME_META, "meta")
enum { NAME_OTHER, SOME_NAMES(SL_XML_ENUM) };
SL_XML_NAMES(some_names, SOME_NAMES);

Test(xml_names, every_listed_name_has_its_number_and_no_other_has_one)
{
#define EXPECT_ID(name, text)                                                                                          \
    cr_expect_eq(sl_xml_id(&some_names, (struct sl_span){ (const uint8_t *)(text), sizeof(text) - 1 }), name, text);
    SOME_NAMES(EXPECT_ID)
    static const char *const others[] = { "", "A", "hl3", "hl", "hl11", "body.tail", "hedlines", "x", "td1" };
    for (size_t i = 0; i < CNT(others); i++)
        cr_expect_eq(
            sl_xml_id(&some_names, (struct sl_span){ (const uint8_t *)others[i], (uint32_t)strlen(others[i]) }),
            NAME_OTHER, "%s", others[i]);
}

Test(xml, numbers_elements_by_their_local_names)
{
    const char *document = "<n:body.head xmlns:n='u'><hl1>x</hl1><what><p/></what></n:body.head>";
    begin_bytes(document, strlen(document), &some_names);
    cr_expect_eq((sl_xml_next(&xml), xml.id), NAME_BODY_HEAD);
    cr_expect_eq((sl_xml_next(&xml), xml.id), NAME_HL1);
    cr_expect_eq(xml.depth, 2);
    cr_expect_eq(sl_xml_above_id(&xml, 1), NAME_BODY_HEAD);
    cr_expect_null(sl_xml_above(&xml, 2));
    cr_expect_eq(sl_xml_above_id(&xml, 2), 0);
    cr_expect_eq(sl_xml_skip(&xml), SL_XML_END);
    cr_expect_eq(xml.id, NAME_HL1);
    cr_expect_eq((sl_xml_next(&xml), xml.id), NAME_OTHER);
    cr_expect_eq((sl_xml_next(&xml), xml.id), NAME_P);
    cr_expect(xml.is_empty);
    cr_expect_eq(xml.depth, 3);
    cr_expect_eq(sl_xml_skip_to(&xml, 1), SL_XML_END);
    cr_expect_eq(xml.id, NAME_BODY_HEAD);
    cr_expect_eq(sl_xml_next(&xml), SL_XML_DONE);
    cr_expect_eq(xml.depth, 0);
}

Test(xml, finds_attributes)
{
    begin("<a norm='x&amp;y' xml:lang=' en\n\tGB ' n:href='z' lang='de'/>");
    sl_xml_next(&xml);
    cr_expect(sl_xml_is(sl_xml_value(&xml, "norm"), "x&amp;y"));
    cr_expect(sl_xml_is(sl_xml_value(&xml, "lang"), "de"));
    cr_expect_eq(sl_xml_value(&xml, "nor").len, 0);
    cr_expect_null(sl_xml_attr(&xml, "href"));
    cr_assert_not_null(sl_xml_attr_local(&xml, "href"));
    cr_expect_eq(sl_xml_attr_ns(&xml, sl_xml_attr_local(&xml, "href")), SL_XML_NS_UNDECLARED);
    cr_expect(sl_xml_is(sl_xml_attr_local(&xml, "lang")->value, "de"));
    cr_expect_eq(sl_xml_attr_ns(&xml, sl_xml_attr(&xml, "xml:lang")), SL_XML_NS_XML);
    struct sl_ref ref = sl_xml_value_line(&xml, &out, sl_xml_attr(&xml, "xml:lang"));
    struct sl_slice text = sl_bulletin_ref(sl_out_root(&out), ref);
    cr_expect(text.len == 5 && memcmp(text.data, "en GB", 5) == 0);
    ref = sl_xml_value_line(&xml, &out, NULL);
    cr_expect(ref.off == 0 && ref.len == 0);
}

Test(xml, gives_the_inside_of_an_element)
{
    begin("<a><b>x<c d='>'/>&amp;</b><b/><b> y\n <i>z</i><!-- no --> </b></a>");
    struct sl_span inner;
    struct sl_ref ref;
    sl_xml_next(&xml);
    sl_xml_next(&xml);
    cr_expect_eq(sl_xml_inner(&xml, &inner), SL_XML_END);
    cr_expect(sl_xml_is(inner, "x<c d='>'/>&amp;"));
    sl_xml_next(&xml);
    cr_expect_eq(sl_xml_inner(&xml, &inner), SL_XML_END);
    cr_expect_eq(inner.len, 0);
    sl_xml_next(&xml);
    cr_expect_eq(sl_xml_line(&xml, &out, &ref), SL_XML_END);
    struct sl_slice text = sl_bulletin_ref(sl_out_root(&out), ref);
    cr_expect(text.len == 3 && memcmp(text.data, "y z", 3) == 0, "%.*s", (int)text.len, text.data);
    cr_expect_eq(sl_xml_next(&xml), SL_XML_END);
}

/* ---- encodings ---- */

Test(xml_encoding, labels_are_believed_only_where_the_bytes_allow_it)
{
    static const struct {
        const char *document, *want;
        enum sl_charset charset;
    } rows[] = {
        {"<a>\xc3\xa9</a>",                                                       "(a'\xc3\xa9')a.",                            SL_CHARSET_UTF8        },
        { "\xef\xbb\xbf<a>\xc3\xa9</a>",                                          "(a'\xc3\xa9')a.",                            SL_CHARSET_UTF8        },
        { "\xef\xbb\xbf \n<?xml version='1.0'?><a/>",                             "(a)a.",                                      SL_CHARSET_UTF8        },
        { "\r\n <?xml version='1.0'?><a/>",                                       "(a)a.",                                      SL_CHARSET_UTF8        },
        { "<a>\xe9</a>",                                                          "(a'\xc3\xa9')a.",                            SL_CHARSET_WINDOWS_1252},
        { "<?xml version='1.0' encoding='iso-8859-1'?><a>\xe9</a>",               "(a'\xc3\xa9')a.",                            SL_CHARSET_ISO_8859_1  },
        { "<?xml version='1.0' encoding='iso-8859-1'?><a>\x93</a>",               "(a'\xe2\x80\x9c')a.",                        SL_CHARSET_WINDOWS_1252},
        { "<?xml version='1.0' encoding='iso-8859-1'?><a>\xc3\xa9</a>",           "(a'\xc3\xa9')a.",                            SL_CHARSET_UTF8        },
        { "<?xml version='1.0' encoding='ISO-8859-15'?><a>\xa4</a>",              "(a'\xe2\x82\xac')a.",                        SL_CHARSET_ISO_8859_15 },
        { "<?xml version='1.0' encoding='windows-1251'?><a b='\xc4'/>",           "(a b=\xd0\x94)a.",                           SL_CHARSET_WINDOWS_1251},
        { "<?xml version='1.0' encoding='utf8'?><a>\xc3\xa9</a>",                 "(a'\xc3\xa9')a.",                            SL_CHARSET_UTF8        },
        { "<?xml version='1.0' encoding='utf-16'?><a>\xc3\xa9</a>",               "(a'\xc3\xa9')a.",                            SL_CHARSET_UTF8        },
        { "<?xml version='1.0' encoding='x-whatever'?><a>\xe9</a>",               "(a'\xc3\xa9')a.",                            SL_CHARSET_WINDOWS_1252},
        { "<?xml version='1.0' encoding='iso-8859-1'?><\xe9/>",                   "(\xe9)\xe9.",                                SL_CHARSET_ISO_8859_1  },
        { "<?xml version='1.0' encoding='euc-kr'?><\xb1\xe2>\xb1\xe2</\xb1\xe2>", "(\xb1\xe2'\xea\xb8\xb0')\xb1\xe2.",
         SL_CHARSET_EUC_KR                                                                                                                             },
        { "<?xml version='1.0' encoding='utf-8'?><a>\xe9</a>",                    "(a!bad_text 41 valid UTF-8",                 SL_CHARSET_UTF8        },
        { "\xef\xbb\xbf<a>\xe9</a>",                                              "(a!bad_text 6 valid UTF-8",                  SL_CHARSET_UTF8        },
        { "<?xml version='1.0' encoding='iso-8859-1'?><a\xd7/>",                  "!bad_frame 45 a blank, > or />",
         SL_CHARSET_ISO_8859_1                                                                                                                         },
        { "<?xml version='1.0' encoding='iso-8859-1'?><a>\xe9\x01</a>",           "(a!bad_text 47 a character that XML allows",
         SL_CHARSET_ISO_8859_1                                                                                                                         },
    };
    for (size_t i = 0; i < CNT(rows); i++) {
        expect_events(rows[i].document, strlen(rows[i].document), rows[i].want);
        cr_expect_eq(xml.charset, rows[i].charset, "%s", rows[i].document);
    }
}

Test(xml_encoding, the_feed_knows_where_the_document_does_not_say)
{
    const char *document = "<a>\xc4</a>";
    begin(document);
    sl_xml_begin(&xml, &parse, (struct sl_span){ (const uint8_t *)document, (uint32_t)strlen(document) }, NULL,
                 SL_CHARSET_WINDOWS_1251);
    cr_expect_str_eq(events(), "(a'\xd0\x94')a.");
}

/* UTF-16 of ASCII and of what stands above it in units. */
static size_t widen(uint8_t *wide, const char16_t *units, size_t cnt, bool is_big)
{
    for (size_t i = 0; i < cnt; i++) {
        wide[2 * i + is_big] = (uint8_t)units[i];
        wide[2 * i + !is_big] = (uint8_t)(units[i] >> 8);
    }
    return 2 * cnt;
}

Test(xml_encoding, utf_16_is_read_in_both_orders_and_its_errors_are_where_they_were_sent)
{
    static const struct {
        const char16_t *units;
        const char *want;
    } rows[] = {
        {u"\ufeff<?xml version='1.0' encoding='utf-16'?><a>\u00e9\u20ac\U0001f600</a>",
         "(a'\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80')a."                                                                                        },
        { u"<a b='\u00e9'/>",                                                           "(a b=\xc3\xa9)a."                                    },
        { u"\n<a/>",                                                                    "(a)a."                                               },
        { u"<a>\u00e9\U0001f600</b>",
         "(a'\xc3\xa9\xf0\x9f\x98\x80'!bad_frame 16 the end tag of the element that is open"                                                  },
        { u"\ufeff<a>\ufffe</a>",                                                       "(a!bad_text 8 a character that XML allows, in UTF-16"},
        { u"<a>\x0001</a>",                                                             "(a!bad_text 6 a character that XML allows, in UTF-16"},
        { u"<a>\u00e9",                                                                 "(a!cut 8 the rest of the document"                   },
    };
    static uint8_t wide[1024];
    for (size_t i = 0; i < CNT(rows); i++) {
        for (unsigned is_big = 0; is_big < 2; is_big++) {
            size_t cnt = 0;
            while (rows[i].units[cnt] != 0)
                cnt++;
            begin_bytes(wide, widen(wide, rows[i].units, cnt, is_big), NULL);
            cr_expect_str_eq(events(), rows[i].want, "row %zu: %s", i, trace);
            cr_expect_eq(xml.charset, SL_CHARSET_UTF8);
            sl_xml_say_charset(&xml, &out);
            struct sl_slice name = sl_out_get(&out, SL_TEXT_SOURCE_CHARSET);
            cr_expect(name.len == 8 && memcmp(name.data, is_big ? "utf-16be" : "utf-16le", 8) == 0);
        }
    }
    static const char16_t half[] = { '<', 'a', '>', 0xd800, '<' }, tail[] = { '<', 'a', '>', 0xdc00 };
    begin_bytes(wide, widen(wide, half, 5, false), NULL);
    cr_expect_str_eq(events(), "(a!bad_text 6 a character that XML allows, in UTF-16");
    begin_bytes(wide, widen(wide, tail, 4, false), NULL);
    cr_expect_str_eq(events(), "(a!bad_text 6 a character that XML allows, in UTF-16");
    begin_bytes(wide, widen(wide, tail, 3, false) + 1, NULL);
    cr_expect_str_eq(events(), "(a!bad_text 6 a character that XML allows, in UTF-16");
}

Test(xml_encoding, utf_16_that_does_not_fit_is_refused)
{
    static uint8_t wide[1u << 17];
    for (size_t i = 0; i < sizeof wide; i += 2)
        wide[i] = ' ';
    begin_bytes(wide, sizeof wide, NULL);
    cr_expect_str_eq(events(), "!too_large 0 UTF-16 that fits into the scratch memory");
}

Test(xml_encoding, a_lie_is_noted_once_it_matters)
{
    static const struct {
        const char *document;
        uint32_t note_cnt;
    } rows[] = {
        {"<?xml version='1.0' encoding='iso-8859-1'?><a>\xc3\xa9</a>", 1},
        { "<?xml version='1.0' encoding='utf-16'?><a>\xc3\xa9</a>",    1},
        { "<?xml version='1.0' encoding='utf-16'?><a>e</a>",           0},
        { "<?xml version='1.0' encoding='iso-8859-1'?><a>\xe9</a>",    0},
        { "<a>\xe9</a>",                                               0},
    };
    for (size_t i = 0; i < CNT(rows); i++) {
        begin(rows[i].document);
        events();
        sl_xml_say_charset(&xml, &out);
        cr_expect_eq(out.item_cnt, rows[i].note_cnt, "%s", rows[i].document);
    }
}

/* ---- several documents ---- */

Test(xml_stream, documents_without_delimiter_are_read_one_after_the_other)
{
    const char *stream = "<?xml version='1.0'?><a>1</a>\n<!-- of the first --><?xml version='1.0'?>\n<!DOCTYPE b><b/>"
                         "\xef\xbb\xbf<c>\xc3\xa9</c> <d x='1'/>";
    begin(stream);
    xml.is_first_only = false;
    cr_expect_str_eq(events(), "(a'1')a.");
    cr_expect(memcmp(sl_xml_rest(&xml).data, "<?xml version='1.0'?>\n<!DOC", 27) == 0);
    cr_expect_str_eq(events(), "(b)b.");
    cr_expect_str_eq(events(), "(c'\xc3\xa9')c.");
    cr_expect_str_eq(events(), "(d x=1)d.");
    cr_expect_eq(sl_xml_rest(&xml).len, 0);
    cr_expect_eq(sl_xml_next(&xml), SL_XML_DONE);
}

Test(xml_stream, a_bad_document_does_not_spoil_the_one_before_it)
{
    begin("<a/>\n<b>\x01</b>");
    xml.is_first_only = false;
    cr_expect_str_eq(events(), "(a)a.");
    cr_expect_str_eq(events(), "(b!bad_text 8 a character that XML allows");
    begin("<a/>\nx<b/>");
    xml.is_first_only = false;
    cr_expect_str_eq(events(), "(a)a!bad_frame 5 another document");
}

Test(xml_stream, each_8_bit_document_has_its_own_label)
{
    begin("<?xml version='1.0' encoding='iso-8859-1'?><a>\xe9</a><?xml version='1.0' encoding='koi8-r'?><a>\xc1</a>");
    xml.is_first_only = false;
    cr_expect_str_eq(events(), "(a'\xc3\xa9')a.");
    cr_expect_str_eq(events(), "(a'\xd0\xb0')a.");
}

/* ---- in a message ---- */

Test(xml, lives_in_the_scratch_memory_from_one_bulletin_to_the_next)
{
    begin("<a/>");
    struct sl_xml *taken = sl_xml_take(&parse);
    cr_assert_not_null(taken);
    cr_expect_eq(sl_xml_taken(&parse), taken);
    sl_parse_init(&parse, scratch, 1024);
    cr_expect_null(sl_xml_take(&parse));
}

Test(xml, errors_of_a_part_are_counted_from_the_start_of_the_message)
{
    const char *message = "head\n<a></b>\ntail";
    begin(message);
    sl_xml_begin(&xml, &parse, (struct sl_span){ (const uint8_t *)message + 5, 7 }, NULL, SL_CHARSET_UNKNOWN);
    cr_expect_str_eq(events(), "(a!bad_frame 10 the end tag of the element that is open");
    static const char elsewhere[] = "<a></b>";
    sl_xml_begin(&xml, &parse, (struct sl_span){ (const uint8_t *)elsewhere, 7 }, NULL, SL_CHARSET_UNKNOWN);
    cr_expect_str_eq(events(), "(a!bad_frame 5 the end tag of the element that is open");
    sl_xml_begin(&xml, &parse, (struct sl_span){ (const uint8_t *)message + 5, 3 }, NULL, SL_CHARSET_UNKNOWN);
    sl_xml_next(&xml);
    cr_expect_eq(sl_xml_refuse(&xml, SL_PARSE_BAD_FRAME, "something else"), SL_PARSE_BAD_FRAME);
    cr_expect_eq(parse.err.off, 5);
}

/* ---- the pass over all bytes ---- */

static struct sl_xml_index an_index;

static void expect_same_scans(const uint8_t *data, uint32_t len)
{
    static struct sl_xml_index fast, plain;
    struct sl_xml_survey a = sl_xml_survey(&an_index, data, len), b = sl_xml_survey_plain(data, len);
    cr_assert(a.clean == b.clean && a.is_ascii == b.is_ascii, "%u of %u is clean, not %u", b.clean, len, a.clean);
    cr_assert_eq(sl_xml_control_free(data, len), sl_xml_control_free_plain(data, len));
    sl_xml_index(&fast, data, len);
    sl_xml_index_plain(&plain, data, len);
    struct sl_xml_index *all[] = { &an_index, &fast, &plain };
    for (size_t i = 0; i < CNT(all); i++)
        sl_xml_index_end(all[i], len);
    for (uint32_t i = 0; i < len / SL_XML_BLOCK + 2; i++) {
        for (size_t k = 0; k < 2; k++)
            cr_assert(all[k]->content[i] == plain.content[i] && all[k]->value[i] == plain.value[i] &&
                          all[k]->no_name[i] == plain.no_name[i],
                      "block %u of %u bytes", i, len);
    }
}

Test(xml_scan, every_byte_is_in_the_same_classes_at_every_place)
{
    uint8_t data[192];
    for (unsigned byte = 0; byte < 256; byte++) {
        for (uint32_t at = 0; at < sizeof data; at++) {
            memset(data, 'x', sizeof data);
            data[at] = (uint8_t)byte;
            expect_same_scans(data, sizeof data);
            expect_same_scans(data, at + 1);
        }
    }
}

/* Each pair of the bytes that UTF-8 tells apart, then each kind of third and fourth, over the edge of a block. */
Test(xml_scan, utf_8_is_judged_the_same_over_every_edge)
{
    static const uint8_t kinds[] = { 0x00, 0x1f, 'x',  0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbd,
                                     0xbe, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed,
                                     0xee, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xf7, 0xf8, 0xff };
    uint8_t data[128];
    uint32_t cnt = CNT(kinds);
    for (uint32_t pick = 0; pick < cnt * cnt * cnt * cnt; pick++) {
        uint32_t at = 26 + pick % 7;
        memset(data, 'x', sizeof data);
        for (uint32_t i = 0, rest = pick; i < 4; i++, rest /= cnt)
            data[at + i] = kinds[rest % cnt];
        struct sl_xml_survey a = sl_xml_survey(&an_index, data, sizeof data),
                             b = sl_xml_survey_plain(data, sizeof data);
        cr_assert(a.clean == b.clean && a.is_ascii == b.is_ascii, "%02x %02x %02x %02x at %u: %u, not %u", data[at],
                  data[at + 1], data[at + 2], data[at + 3], at, a.clean, b.clean);
    }
}

Test(xml_scan, a_character_that_ends_at_the_edge_is_no_error_of_the_next_block)
{
    static const char *const characters[] = { "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x93\xb0" };
    uint8_t data[96];
    for (size_t i = 0; i < CNT(characters); i++) {
        uint32_t len = (uint32_t)strlen(characters[i]);
        for (uint32_t at = 24; at < 36; at++) {
            memset(data, 'x', sizeof data);
            memcpy(data + at, characters[i], len);
            data[40] = 1;
            expect_same_scans(data, sizeof data);
            cr_expect_eq(sl_xml_survey(&an_index, data, sizeof data).clean, 40);
        }
    }
}

Test(xml_scan, a_document_longer_than_the_window_is_read_to_its_end)
{
    static char document[3 * SL_XML_WINDOW];
    /* A name, a value and a text each over the edges of the windows. */
    for (uint32_t shift = 0; shift < 70; shift++) {
        size_t len = (size_t)sprintf(document, "<a b='");
        memset(document + len, 'v', SL_XML_WINDOW - 6 - shift);
        len += SL_XML_WINDOW - 6 - shift;
        len += (size_t)sprintf(document + len, "'><element>");
        memset(document + len, 't', SL_XML_WINDOW);
        len += SL_XML_WINDOW;
        len += (size_t)sprintf(document + len, "&amp;</element></a>");
        begin_bytes(document, len, NULL);
        cr_assert_eq(sl_xml_next(&xml), SL_XML_START);
        cr_assert_eq(sl_xml_value(&xml, "b").len, SL_XML_WINDOW - 6 - shift);
        cr_assert_eq(sl_xml_next(&xml), SL_XML_START);
        cr_assert(sl_xml_is(sl_xml_name(&xml), "element"));
        cr_assert_eq(sl_xml_next(&xml), SL_XML_TEXT);
        cr_assert_eq(xml.text.len, SL_XML_WINDOW + 5);
        cr_assert_eq(xml.marks, SL_XML_HAS_REF);
        cr_assert_eq(sl_xml_next(&xml), SL_XML_END);
        cr_assert_eq(sl_xml_next(&xml), SL_XML_END);
        cr_assert_eq(sl_xml_next(&xml), SL_XML_DONE);
    }
}

/* In memory that ends where they end, so that a sanitizer sees who looks further. */
Test(xml_scan, nothing_behind_a_document_is_looked_at_wherever_it_is_cut)
{
    static const char whole[] =
        "<n:root xmlns:n='urn:x' a=\"1\"   b='2'><n:longer.name  xml:lang = 'en'/>text &amp; more"
        "<hl1 class=\"a&lt;b\">Rail and road</hl1   ><![CDATA[x]]><!-- y --><p>z</p></n:root>    ";
    for (uint32_t len = 0; len < sizeof whole; len++) {
        char *document = malloc(len + (len == 0));
        memcpy(document, whole, len);
        begin_bytes(document, len, &some_names);
        const char *got = events();
        bool is_whole = len >= strlen(whole) - 4;
        cr_expect_eq(got[strlen(got) - 1] == '.', is_whole, "%u: %s", len, got);
        cr_expect(is_whole || xml.event == SL_XML_ERROR, "%u: %s", len, got);
        free(document);
    }
}

/* Who skips text skips them with it, but only as far as there is an index. */
Test(xml_scan, carriage_returns_to_the_end_are_not_followed_behind_it)
{
    for (uint32_t cnt = 0; cnt < 200; cnt++) {
        char *document = malloc(3 + cnt);
        memcpy(document, "<a>", 3);
        memset(document + 3, '\r', cnt);
        begin_bytes(document, 3 + cnt, NULL);
        cr_expect_eq(sl_xml_next(&xml), SL_XML_START);
        cr_expect_eq(sl_xml_next_tag(&xml), SL_XML_ERROR, "%u", cnt);
        free(document);
    }
}
