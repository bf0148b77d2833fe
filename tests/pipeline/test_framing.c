#include "tests/pipeline/units.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>

#define MAX 100000u

#define HEAD "\001tst0001 4 i 20 ccccb   tst 001\r\n\r\nHarbour/ferry/\r\n"
#define TEXT "\002Ferry returns to Testhaven =\r\n\r\n   Testhaven (tst) - The ferry is back.\r\n\r\n"
#define BODY HEAD TEXT
#define TAIL "\003051200 GMT Jan 26\r\n\177\r\n\177"
#define ONE  BODY TAIL "\004"
#define TWO  "\001tst0002 1 i 4   tst 002\r\n\002Second =\r\n\003051201 GMT Jan 26\r\n\004"
#define ANPA "\001a0105 US tests\nr i\023\021 BC-Ferry   01-05 0012\n\002BC-Ferry,0012<\n\tBack again.\n\t\003TS-WF-01-05-26 1200GMT<\n\f\n\004"
#define WMO  "\001\r\r\n117 \r\r\nWFXX53 KTST 051200\r\r\nTORTST\r\r\nText.\r\r\n\003"
#define FIFTY "01234567890123456789012345678901234567890123456789"
#define LONG  FIFTY FIFTY
#define BEAT  "8=FIX.4.4\0019=5\00135=0\00110=163\001"
#define NEWS  "8=FIXT.1.1\0019=0000016\00135=B\00195=2\00196=\001a\00110=071\001"
#define WRONG "8=FIX.4.4\0019=4\00135=0\00110=163\001"
#define DOC   "<?xml version='1.0'?>\n<doc a=\"/>\">Text &lt;</doc>"
#define TRICKY                                                                                                         \
    "<!DOCTYPE a [<!-- ' --><?pi ]>?><!ENTITY b '<a/>]>'><!ELEMENT a (#PCDATA)>] ><!-- <a/> --><a b='/' c=\">\"><b "        \
    "d='<'/><![CDATA[</a>]]]]><?p </a> ?><!-- - -- </a> --></a >"
#define ZCZC  "ZCZC TST000\r\n#Ferry\r\n$Ferry returns\r\nThe ferry is back. ZCZC, NNNN.\r\n"
#define HEADED "117 \r\r\nWFXX53 KTST 051200\r\r\nTORTST\r\r\nText, 101\r\n05120 more WFXX53 KTST 051200\r\n$$\r\r\n"
#define MAIL  "Subject: A ferry\r\n\r\nBack.\r\n..\r\n. \r\nThe end.\r\n"
#define MARK  "From desk@wire.example Mon Jan  5 12:00:00 2026\n"

struct want {
    const char *bytes;
    uint32_t len; /* 0: strlen */
    enum sl_cut cut;
};

static const struct framing_case {
    const char *name;
    enum sl_framing framing;
    uint32_t message_max;
    const char *wire;
    uint32_t wire_len; /* 0: strlen */
    struct want want[6];
    bool broken;
} cases[] = {
    {"one message",                   SL_FRAMING_CONTROL,  MAX, ONE,                        0,  { { ONE, 0, 0 } },                                                              false},
    { "two, nothing between",         SL_FRAMING_CONTROL,  MAX, ONE TWO,                    0,  { { ONE, 0, 0 }, { TWO, 0, 0 } },                                               false},
    { "filling all around",
     SL_FRAMING_CONTROL,                                   MAX,
     "\177\177\r\n\026\026" ONE "\r\n \026" TWO "\r\n\177",
     0,                                                                                         { { ONE, 0, 0 }, { TWO, 0, 0 } },
     false                                                                                                                                                                           },
    { "NUL is filling",
     SL_FRAMING_CONTROL,                                   MAX,
     "\0\0" TWO "\0",
     sizeof("\0\0" TWO "\0") - 1,
     { { TWO, 0, 0 } },
     false                                                                                                                                                                           },
    { "ANPA after SYN SYN",
     SL_FRAMING_CONTROL,                                   MAX,
     "\026\026" ANPA "\026\026" ANPA,
     0,                                                                                         { { ANPA, 0, 0 }, { ANPA, 0, 0 } },
     false                                                                                                                                                                           },
    { "SOH twice",                    SL_FRAMING_CONTROL,  MAX, "\001" TWO,                 0,  { { TWO, 0, 0 } },                                                              false},
    { "SOH five times",               SL_FRAMING_CONTROL,  MAX, "\001\001\001\001" TWO,     0,  { { TWO, 0, 0 } },                                                              false},
    { "only filling",                 SL_FRAMING_CONTROL,  MAX, "\026\026\r\n\177\004  ",   0,  { { 0 } },                                                                      false},
    { "EOT and no ETX",               SL_FRAMING_CONTROL,  MAX, HEAD "\004" TWO,            0,  { { HEAD "\004", 0, 0 }, { TWO, 0, 0 } },                                       false},
    { "no EOT, next comes",           SL_FRAMING_CONTROL,  MAX, BODY TAIL TWO,              0,  { { BODY TAIL, 0, 0 }, { TWO, 0, 0 } },                                         false},
    { "no EOT ever",                  SL_FRAMING_CONTROL,  MAX, WMO WMO,                    0,  { { WMO, 0, 0 }, { WMO, 0, 0 } },                                               false},
    { "ETX twice",
     SL_FRAMING_CONTROL,                                   MAX,
     HEAD TEXT "\003\003 x\004",
     0,                                                                                         { { HEAD TEXT "\003\003 x\004", 0, 0 } },
     false                                                                                                                                                                           },
    { "cut in the text",
     SL_FRAMING_CONTROL,                                   MAX,
     BODY TWO,
     0,                                                                                         { { BODY, 0, SL_CUT_NEW_START }, { TWO, 0, 0 } },
     false                                                                                                                                                                           },
    { "cut in mid-word",
     SL_FRAMING_CONTROL,                                   MAX,
     HEAD "\002Ferry ret" TWO,
     0,                                                                                         { { HEAD "\002Ferry ret", 0, SL_CUT_NEW_START }, { TWO, 0, 0 } },
     false                                                                                                                                                                           },
    { "cut in the header",
     SL_FRAMING_CONTROL,                                   MAX,
     "\001ts" ONE,
     0,                                                                                         { { "\001ts", 0, SL_CUT_NEW_START }, { ONE, 0, 0 } },
     false                                                                                                                                                                           },
    { "cut after one byte",
     SL_FRAMING_CONTROL,                                   MAX,
     "\001t" ONE,
     0,                                                                                         { { "\001t", 0, SL_CUT_NEW_START }, { ONE, 0, 0 } },
     false                                                                                                                                                                           },
    { "line down in the text",
     SL_FRAMING_CONTROL,                                   MAX,
     ONE BODY,
     0,                                                                                         { { ONE, 0, 0 }, { BODY, 0, SL_CUT_LINE_DOWN } },
     false                                                                                                                                                                           },
    { "line down in the trailer",     SL_FRAMING_CONTROL,  MAX, BODY "\0030512",            0,  { { BODY "\0030512", 0, 0 } },                                                  false},
    { "FIX, one",                     SL_FRAMING_FIX,      MAX, BEAT,                       0,  { { BEAT, 0, 0 } },                                                             false},
    { "FIX, SOH in its data",         SL_FRAMING_FIX,      MAX, NEWS BEAT,                  0,  { { NEWS, 0, 0 }, { BEAT, 0, 0 } },                                             false},
    { "FIX, filling between",         SL_FRAMING_FIX,      MAX, "\r\n" BEAT "\r\n" BEAT,    0,  { { BEAT, 0, 0 }, { BEAT, 0, 0 } },                                             false},
    { "FIX, noise before",            SL_FRAMING_FIX,      MAX, "login:\n" BEAT,            0,  { { "login:\n", 0, SL_CUT_NOISE }, { BEAT, 0, 0 } },                            false},
    { "FIX, an 8 and no begin",       SL_FRAMING_FIX,      MAX, "8 ball\n" BEAT,            0,  { { "8 ball\n", 0, SL_CUT_NOISE }, { BEAT, 0, 0 } },                            false},
    { "FIX, a length too short",      SL_FRAMING_FIX,      MAX, WRONG BEAT,                 0,
     { { "8=FIX.4.4\0019=4\00135=0\001", 0, SL_CUT_NOISE }, { BEAT, 0, 0 } },                                                                                                      false},
    { "FIX, a length that swallows",
     SL_FRAMING_FIX,                                       MAX,
     "8=FIX.4.4\0019=20\00135=0\00110=163\001" BEAT BEAT,
     0,                                                                                         { { "8=FIX.4.4\0019=20\00135=0\00110=163\0018=FIX.4.4", 0, SL_CUT_NOISE }, { BEAT, 0, 0 } },
     false                                                                                                                                                                           },
    { "FIX, no length",
     SL_FRAMING_FIX,                                       MAX,
     "8=FIX.4.4\00135=0\001" BEAT,
     0,                                                                                         { { "8=FIX.4.4\00135=0\001", 0, SL_CUT_NOISE }, { BEAT, 0, 0 } },
     false                                                                                                                                                                           },
    { "FIX, fields with an 8 in a cut message",
     SL_FRAMING_FIX,                                       64,
     "8=FIX.4.4\0019=900\00135=B\00187=x\0018=y\001" BEAT,
     0,                                                                                         { { "8=FIX.4.4\0019=900\001", 0, SL_CUT_TOO_LONG }, { BEAT, 0, 0 } },
     false                                                                                                                                                                           },
    { "FIX, line down in the body",
     SL_FRAMING_FIX,                                       MAX,
     BEAT "8=FIX.4.4\0019=50\00135=",
     0,                                                                                         { { BEAT, 0, 0 }, { "8=FIX.4.4\0019=50\00135=", 0, SL_CUT_LINE_DOWN } },
     false                                                                                                                                                                           },
    { "noise before",
     SL_FRAMING_CONTROL,                                   MAX,
     "login:" ONE,
     0,                                                                                         { { "login:", 0, SL_CUT_NOISE }, { ONE, 0, 0 } },
     false                                                                                                                                                                           },
    { "noise between",
     SL_FRAMING_CONTROL,                                   MAX,
     ONE "\r\nbuzz zz\r\nbuzz\177\177" TWO,
     0,                                                                                         { { ONE, 0, 0 }, { "buzz zz\r\nbuzz", 0, SL_CUT_NOISE }, { TWO, 0, 0 } },
     false                                                                                                                                                                           },
    { "two runs of noise",
     SL_FRAMING_CONTROL,                                   MAX,
     "ab\026cd",                                                                            0,
     { { "ab", 0, SL_CUT_NOISE }, { "cd", 0, SL_CUT_NOISE } },
     false                                                                                                                                                                           },
    { "noise with high bits",
     SL_FRAMING_CONTROL,                                   MAX,
     "\201\377\226" TWO,
     0,                                                                                         { { "\201\377\226", 0, SL_CUT_NOISE }, { TWO, 0, 0 } },
     false                                                                                                                                                                           },
    { "noise in pieces of its bound",
     SL_FRAMING_CONTROL,                                   64,
     LONG TWO,
     0,                                                                                         { { LONG, 64, SL_CUT_NOISE }, { &LONG[64], 36, SL_CUT_NOISE }, { TWO, 0, 0 } },
     false                                                                                                                                                                           },
    { "endless text",
     SL_FRAMING_CONTROL,                                   64,
     "\001" LONG LONG LONG TWO,
     0,                                                                                         { { "\001" LONG, 64, SL_CUT_TOO_LONG }, { TWO, 0, 0 } },
     false                                                                                                                                                                           },
    { "endless text that ends",
     SL_FRAMING_CONTROL,                                   64,
     "\001" LONG "\003" LONG "\004" TWO,
     0,                                                                                         { { "\001" LONG, 64, SL_CUT_TOO_LONG }, { TWO, 0, 0 } },
     false                                                                                                                                                                           },
    { "as long as may be",
     SL_FRAMING_CONTROL,                                   64,
     "\001" FIFTY "012345678901\004" TWO,
     0,                                                                                         { { "\001" FIFTY "012345678901\004", 64, 0 }, { TWO, 0, 0 } },
     false                                                                                                                                                                           },
    { "longer by one",
     SL_FRAMING_CONTROL,                                   64,
     "\001" FIFTY "0123456789012\004" TWO,
     0,                                                                                         { { "\001" FIFTY "0123456789012", 64, SL_CUT_TOO_LONG }, { TWO, 0, 0 } },
     false                                                                                                                                                                           },
    { "trailer reaches the bound",
     SL_FRAMING_CONTROL,                                   64,
     "\001" FIFTY "\003" LONG TWO,
     0,                                                                                         { { "\001" FIFTY "\003" LONG, 64, 0 }, { TWO, 0, 0 } },
     false                                                                                                                                                                           },

    { "length 16",                    SL_FRAMING_LENGTH16, 64,  "\0\003abc\0\001d",         8,  { { "abc", 0, 0 }, { "d", 0, 0 } },                                             false},
    { "length 16, heartbeats",        SL_FRAMING_LENGTH16, 64,  "\0\0\0\0\0\001d\0\0",      9,  { { "d", 0, 0 } },                                                              false},
    { "length 16, cut in length",     SL_FRAMING_LENGTH16, 64,  "\0\003abc\0",              6,  { { "abc", 0, 0 } },                                                            false},
    { "length 16, cut in text",       SL_FRAMING_LENGTH16, 64,  "\0\003ab",                 4,  { { "ab", 0, SL_CUT_LINE_DOWN } },                                              false},
    { "length 16, as long as may be", SL_FRAMING_LENGTH16, 64,  "\0\100" LONG,              66, { { LONG, 64, 0 } },                                                            false},
    { "length 16, longer by one",     SL_FRAMING_LENGTH16, 64,  "\0\003abc\0\101" LONG,     72, { { "abc", 0, 0 } },                                                            true },
    { "websocket", SL_FRAMING_WEBSOCKET, 64, "\201\003abc\202\001d", 8, { { "abc", 0, 0 }, { "d", 0, 0 } }, false },
    { "websocket, in three frames, with a ping and a close between", SL_FRAMING_WEBSOCKET, 64,
      "\001\002ab\211\001x\000\000\210\000\200\001c", 14, { { "abc", 0, 0 } }, false },
    { "websocket, masked", SL_FRAMING_WEBSOCKET, 64, "\001\205\001\002\003\004```ad\200\201\001\001\001\001g", 18,
      { { "abceef", 0, 0 } }, false },
    { "websocket, nothing said", SL_FRAMING_WEBSOCKET, 64, "\201\000\201\200abcd\001\000\200\000\201\001d", 15,
      { { "d", 0, 0 } }, false },
    { "websocket, behind its HTTP head", SL_FRAMING_WEBSOCKET, 64,
      "HTTP/1.1 101 Switching\r\nA: b\r\r\n\r\r\n\r\n\202\001H", 39, { { "H", 0, 0 } }, false },
    { "websocket, 16 bits of length", SL_FRAMING_WEBSOCKET, 100, "\201\176\000\144" LONG, 104, { { LONG, 0, 0 } }, false },
    { "websocket, 64 bits of length", SL_FRAMING_WEBSOCKET, 100, "\201\177\0\0\0\0\0\0\000\144" LONG, 110,
      { { LONG, 0, 0 } }, false },
    { "websocket, too long", SL_FRAMING_WEBSOCKET, 64, "\001\062" FIFTY "\200\062" FIFTY "\201\001d", 107,
      { { LONG, 64, SL_CUT_TOO_LONG }, { "d", 0, 0 } }, false },
    { "websocket, half a frame", SL_FRAMING_WEBSOCKET, 64, "\201\003ab", 4, { { "ab", 0, SL_CUT_LINE_DOWN } }, false },
    { "websocket, an extension", SL_FRAMING_WEBSOCKET, 64, "\201\001a\301\001a", 6, { { "a", 0, 0 } }, true },
    { "websocket, no such frame", SL_FRAMING_WEBSOCKET, 64, "\203\001a", 3, { { 0 } }, true },
    { "websocket, nothing to go on", SL_FRAMING_WEBSOCKET, 64, "\200\001a", 3, { { 0 } }, true },
    { "websocket, a start in a message", SL_FRAMING_WEBSOCKET, 64, "\001\000\201\001a", 5, { { 0 } }, true },
    { "websocket, half a ping", SL_FRAMING_WEBSOCKET, 64, "\011\000", 2, { { 0 } }, true },
    { "websocket, a long ping", SL_FRAMING_WEBSOCKET, 64, "\211\176\000\200", 4, { { 0 } }, true },
    { "websocket, no length", SL_FRAMING_WEBSOCKET, 64, "\201\177\200\0\0\0\0\0\0\0", 10, { { 0 } }, true },
    { "websocket, JSON without it", SL_FRAMING_WEBSOCKET, 64, "[{\"Type\":", 0, { { 0 } }, true },
    { "length 32",                    SL_FRAMING_LENGTH32, 64,  "\0\0\0\003abc\0\0\0\001d", 12, { { "abc", 0, 0 }, { "d", 0, 0 } },                                             false},
    { "length 32, nonsense",          SL_FRAMING_LENGTH32, 64,  "\377\377\377\377abc",      7,  { { 0 } },                                                                      true },
    { "length 32, text for length",   SL_FRAMING_LENGTH32, 64,  "<?xml version",            0,  { { 0 } },                                                                      true },

    { "lines",
     SL_FRAMING_LINE,                                      64,
     "one\ntwo\r\nthree\n",                                                                 0,
     { { "one", 0, 0 }, { "two", 0, 0 }, { "three", 0, 0 } },
     false                                                                                                                                                                           },
    { "empty lines",                  SL_FRAMING_LINE,     64,  "\n\r\none\n\n\r\n\r\n",    0,  { { "one", 0, 0 } },                                                            false},
    { "CR inside a line",             SL_FRAMING_LINE,     64,  "a\rb\r\r\n",               0,  { { "a\rb\r", 0, 0 } },                                                         false},
    { "a line without its end",
     SL_FRAMING_LINE,                                      64,
     "one\ntw",                                                                             0,
     { { "one", 0, 0 }, { "tw", 0, SL_CUT_LINE_DOWN } },
     false                                                                                                                                                                           },
    { "a long line",
     SL_FRAMING_LINE,                                      64,
     LONG LONG "\ntwo\n",
     0,                                                                                         { { LONG, 64, SL_CUT_TOO_LONG }, { "two", 0, 0 } },
     false                                                                                                                                                                           },
    { "a line as long as may be",
     SL_FRAMING_LINE,                                      64,
     FIFTY "01234567890123\ntwo\n",
     0,                                                                                         { { FIFTY "01234567890123", 64, 0 }, { "two", 0, 0 } },
     false                                                                                                                                                                           },
    { "a document",                   SL_FRAMING_XML,      MAX, "<a>b</a>",                 0,  { { "<a>b</a>", 0, 0 } },                                                       false},
    { "documents",
     SL_FRAMING_XML, MAX,
     DOC DOC "\r\n\0\003\xef\xbb\xbf" DOC "<b/>",
     3 * (sizeof(DOC) - 1) + 11, { { DOC, 0, 0 }, { DOC, 0, 0 }, { DOC, 0, 0 }, { "<b/>", 0, 0 } }, false },
    { "what looks like an end",
     SL_FRAMING_XML, MAX, TRICKY "<b c='>'/>", 0, { { TRICKY, 0, 0 }, { "<b c='>'/>", 0, 0 } }, false },
    { "a document inside another",
     SL_FRAMING_XML, MAX, "<a><b>cut" DOC, 0, { { "<a><b>cut", 0, SL_CUT_NEW_START }, { DOC, 0, 0 } }, false },
    { "almost a document inside another",
     SL_FRAMING_XML, MAX, "<a><?xm l?><?xmlx ?><?xml-stylesheet ?></a>", 0,
     { { "<a><?xm l?><?xmlx ?><?xml-stylesheet ?></a>", 0, 0 } }, false },
    { "comments between",
     SL_FRAMING_XML, MAX, DOC "<!-- end --><?done?>" DOC, 0, { { DOC, 0, 0 }, { DOC, 0, 0 } }, false },
    { "noise between documents",
     SL_FRAMING_XML, MAX, "login: \r\n" DOC "1 < 2" DOC, 0,
     { { "login: \r\n", 0, SL_CUT_NOISE }, { DOC, 0, 0 }, { "1 ", 0, SL_CUT_NOISE }, { "< ", 0, SL_CUT_NOISE },
       { "2", 0, SL_CUT_NOISE }, { DOC, 0, 0 } },
     false },
    { "an end without a start",
     SL_FRAMING_XML, MAX, "</x>" DOC, 0, { { "</x>", 0, SL_CUT_NOISE }, { DOC, 0, 0 } }, false },
    { "a document too long",
     SL_FRAMING_XML, 64, "<a>" LONG "</a>" DOC "<b/>", 0,
     { { "<a>" LONG, 64, SL_CUT_TOO_LONG }, { DOC, 0, 0 }, { "<b/>", 0, 0 } }, false },
    { "a document too long, and no end of it",
     SL_FRAMING_XML, 64, "<a>" LONG DOC "<b/>", 0,
     { { "<a>" LONG, 64, SL_CUT_TOO_LONG }, { DOC, 0, 0 }, { "<b/>", 0, 0 } }, false },
    { "a document and half of one",
     SL_FRAMING_XML, MAX, DOC "<a><b>", 0, { { DOC, 0, 0 }, { "<a><b>", 0, SL_CUT_LINE_DOWN } }, false },
    { "mail that ends in dots",
     SL_FRAMING_MIME, MAX, "\r\n" MAIL ".\r\n" MAIL ".\n.\n\n" MAIL ".\r\n", 0,
     { { MAIL, 0, 0 }, { MAIL, 0, 0 }, { MAIL, 0, 0 } }, false },
    { "an mbox",
     SL_FRAMING_MIME, MAX, MARK MAIL "\n" MARK MAIL ".\n\n" MARK MARK "A: b\n\n" MARK, 0,
     { { MAIL "\n", 0, 0 }, { MAIL ".\n\n", 0, 0 }, { "A: b\n\n", 0, 0 } }, false },
    { "mail that happens to say From",
     SL_FRAMING_MIME, MAX, MAIL "\r\n\r\nFrom here on.\r\n.\r\n", 0, { { MAIL "\r\n\r\nFrom here on.\r\n", 0, 0 } }, false },
    { "mail too long",
     SL_FRAMING_MIME, 64, LONG "\n.\n" "A: b\n\n.\n", 0,
     { { LONG, 64, SL_CUT_TOO_LONG }, { "A: b\n\n", 0, 0 } }, false },
    { "mail cut in its text",
     SL_FRAMING_MIME, MAX, MAIL, 0, { { MAIL, 0, SL_CUT_LINE_DOWN } }, false },
    { "ZCZC to NNNN",
     SL_FRAMING_ZCZC, MAX, "\177\r\n" ZCZC "NNNN\r\n\r\n  " ZCZC "\t NNNN" ZCZC "nnnn\r\n", 0,
     { { ZCZC "NNNN", 0, 0 }, { ZCZC "\t NNNN", 0, 0 }, { ZCZC "nnnn", 0, 0 } }, false },
    { "ZCZC without NNNN",
     SL_FRAMING_ZCZC, MAX, ZCZC " \t" ZCZC "\r zczc\rNNN\rNNNN", 0,
     { { ZCZC " \t", 0, 0 }, { ZCZC "\r ", 0, 0 }, { "zczc\rNNN\rNNNN", 0, 0 } }, false },
    { "ZCZC on a line that breaks", SL_FRAMING_ZCZC, MAX, ZCZC, 0, { { ZCZC, 0, SL_CUT_LINE_DOWN } }, false },
    { "noise before ZCZC",
     SL_FRAMING_ZCZC, MAX, "login: ZCZC\r\nZC\r\n" ZCZC "NNNN", 0,
     { { "login: ZCZC\r\nZC\r\n", 0, SL_CUT_NOISE }, { ZCZC "NNNN", 0, 0 } }, false },
    { "ZCZC too long, cut in its NNNN, in the next ZCZC, and in neither",
     SL_FRAMING_ZCZC, 64, "ZCZC " FIFTY "1234\rA\rNNNN\rZCZC " FIFTY "1234567\rZCZC\rNNNN\rZCZC" LONG "\rNNNN\rZCZC\rNNNN", 0,
     { { "ZCZC " FIFTY "1234\rA\r", 0, SL_CUT_TOO_LONG }, { "ZCZC " FIFTY "1234567\r", 0, SL_CUT_TOO_LONG }, { "ZCZC\rNNNN", 0, 0 },
       { "ZCZC" LONG, 64, SL_CUT_TOO_LONG }, { "ZCZC\rNNNN", 0, 0 } }, false },
    { "WMO, SOH to ETX",
     SL_FRAMING_WMO, MAX, "\r\n" WMO "\r\n" WMO "\001" WMO "\004", 0, { { WMO, 0, 0 }, { WMO, 0, 0 }, { WMO, 0, 0 } }, false },
    { "WMO without ETX; with SOH a heading is text",
     SL_FRAMING_WMO, MAX, "\001" HEADED HEADED WMO, 0, { { "\001" HEADED HEADED, 0, 0 }, { WMO, 0, 0 } }, false },
    { "WMO without SOH",
     SL_FRAMING_WMO, MAX, HEADED HEADED "WFXX53 KTST 051200\n" WMO HEADED "\003", 0,
     { { HEADED, 0, 0 }, { HEADED, 0, 0 }, { "WFXX53 KTST 051200\n", 0, 0 }, { WMO, 0, 0 }, { HEADED "\003", 0, 0 } }, false },
    { "WMO, number upon number, and noise",
     SL_FRAMING_WMO, MAX, "noise\n12\n000 \n" HEADED "\003", 0,
     { { "noise\n12\n000 \n", 0, SL_CUT_NOISE }, { HEADED "\003", 0, 0 } }, false },
    { "WMO too long, and the number of the next at the end of it",
     SL_FRAMING_WMO, 64, "WFXX53 KTST 051200\n0123456789012345678901234567890123456\n117 \r\r\n\nAWFXX53 KTST\n118\nWFXX53 KTST 051201\n\003", 0,
     { { "WFXX53 KTST 051200\n0123456789012345678901234567890123456\n", 0, SL_CUT_TOO_LONG }, { "118\nWFXX53 KTST 051201\n\003", 0, 0 } }, false },
    { "a file on a line that breaks",
     SL_FRAMING_FILE, MAX, "abc", 0, { { "abc", 0, SL_CUT_LINE_DOWN } }, false },
    { "a file too long", SL_FRAMING_FILE, 64, LONG LONG, 0, { { LONG, 64, SL_CUT_TOO_LONG } }, false },
};
#define CASE_CNT (sizeof(cases) / sizeof(cases[0]))

static uint32_t len_or_strlen(uint32_t len, const char *bytes) { return len || !bytes ? len : (uint32_t)strlen(bytes); }

static struct units new_units(const struct framing_case *c, uint32_t len)
{
    struct units units;
    units_init(&units, c->framing, c->message_max, len);
    return units;
}

/* The stream in pieces that end at a and b, or byte by byte where step is 1. */
static struct units run_case(const struct framing_case *c, uint32_t a, uint32_t b, uint32_t step)
{
    uint32_t len = len_or_strlen(c->wire_len, c->wire);
    const uint8_t *wire = (const uint8_t *)c->wire;
    struct units units = new_units(c, len);
    if (step) {
        for (uint32_t at = 0; at < len && !units.broken; at += step)
            units_feed(&units, wire + at, len - at < step ? len - at : step);
    } else {
        units_feed(&units, wire, a);
        units_feed(&units, wire + a, b - a);
        units_feed(&units, wire + b, len - b);
    }
    if (!units.broken)
        units_end(&units, SL_END_OF_LINE);
    return units;
}

Test(framing, messages_are_found_whole_and_what_is_not_whole_is_cut_with_its_reason)
{
    for (size_t i = 0; i < CASE_CNT; i++) {
        const struct framing_case *c = &cases[i];
        uint32_t len = len_or_strlen(c->wire_len, c->wire), cnt = 0;
        struct units units = run_case(c, len, len, 0);
        for (; cnt < 6 && c->want[cnt].bytes; cnt++) {
            const struct want *want = &c->want[cnt];
            uint32_t want_len = len_or_strlen(want->len, want->bytes);
            cr_assert_lt(cnt, units.cnt, "%s: unit %u is missing", c->name, cnt);
            const struct found_unit *unit = &units.unit[cnt];
            cr_expect_eq(unit->cut, want->cut, "%s: unit %u is cut for %d", c->name, cnt, unit->cut);
            cr_expect(unit->len == want_len && !memcmp(units.bytes + unit->off, want->bytes, want_len),
                      "%s: unit %u is '%.*s'", c->name, cnt, (int)unit->len, units.bytes + unit->off);
        }
        cr_expect_eq(units.cnt, cnt, "%s: %u units", c->name, units.cnt);
        cr_expect_eq(units.broken, c->broken, "%s", c->name);
        cr_expect(units_add_up(&units), "%s: %lu bytes, %lu filling, %u in units", c->name, units.eaten, units.fill,
                  units.bytes_len);
        units_fini(&units);
    }
}

Test(framing, a_stream_cut_anywhere_into_two_or_three_pieces_or_single_bytes_gives_the_same_units)
{
    for (size_t i = 0; i < CASE_CNT; i++) {
        const struct framing_case *c = &cases[i];
        uint32_t len = len_or_strlen(c->wire_len, c->wire);
        struct units whole = run_case(c, len, len, 0), single = run_case(c, 0, 0, 1);
        cr_expect(units_same(&whole, &single), "%s: byte by byte", c->name);
        units_fini(&single);
        for (uint32_t a = 0; a <= len; a++)
            for (uint32_t b = a; b <= len; b++) {
                struct units pieces = run_case(c, a, b, 0);
                cr_assert(units_same(&whole, &pieces), "%s: cut at %u and %u", c->name, a, b);
                units_fini(&pieces);
            }
        units_fini(&whole);
    }
}

Test(framing, a_unit_whose_time_is_over_is_cut_and_its_rest_is_no_noise)
{
    static const struct timeout_case {
        const char *name;
        enum sl_framing framing;
        const char *before, *after;
        uint32_t before_len, after_len;
        enum sl_cut cut;      /* of the unit that ends */
        const char *then;     /* the next unit */
    } rows[] = {
        { "text",         SL_FRAMING_CONTROL,  BODY,      "more of it\r\n\003tail\004" TWO, 0, 0, SL_CUT_TIMEOUT, TWO },
        { "text, no EOT", SL_FRAMING_CONTROL,  BODY,      "more of it" TWO,                 0, 0, SL_CUT_TIMEOUT, TWO },
        { "trailer",      SL_FRAMING_CONTROL,  BODY TAIL, "\004" TWO,                       0, 0, SL_CUT_NOT,     TWO },
        { "noise",        SL_FRAMING_CONTROL,  "buzz",    TWO,                              0, 0, SL_CUT_NOISE,   TWO },
        { "length",       SL_FRAMING_LENGTH16, "\0\004ab", "cd\0\001e",                     4, 5, SL_CUT_TIMEOUT, "e" },
        { "FIX body",     SL_FRAMING_FIX,      "8=FIX.4.4\0019=9\00135", "=0\0018=x\00110=" "\001" BEAT, 0, 0, SL_CUT_TIMEOUT, BEAT },
        { "FIX begin",    SL_FRAMING_FIX,      "8=FI",    "X.4\0019=5" "\001" BEAT,         0, 0, SL_CUT_TIMEOUT, BEAT },
        { "ZCZC",         SL_FRAMING_ZCZC,     ZCZC,      "more of it\r\nNNNN\r\n" ZCZC "NNNN", 0, 0, SL_CUT_NOT, ZCZC "NNNN" },
        { "heading",      SL_FRAMING_WMO,      HEADED,    "more of it\r\n" HEADED "\003", 0, 0, SL_CUT_NOT, HEADED "\003" },
        { "line",         SL_FRAMING_LINE,     "abc",     "def\nghi\n",                     0, 0, SL_CUT_TIMEOUT, "ghi" },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct timeout_case *row = &rows[i];
        struct units units;
        units_init(&units, row->framing, MAX, MAX);
        units_feed(&units, (const uint8_t *)row->before, len_or_strlen(row->before_len, row->before));
        units_end(&units, SL_END_OF_TIME);
        cr_assert_eq(units.cnt, 1, "%s: %u units", row->name, units.cnt);
        cr_expect_eq(units.unit[0].cut, row->cut, "%s: %d", row->name, units.unit[0].cut);
        units_feed(&units, (const uint8_t *)row->after, len_or_strlen(row->after_len, row->after));
        cr_assert_eq(units.cnt, 2, "%s: %u units", row->name, units.cnt);
        cr_expect_eq(units.unit[1].cut, SL_CUT_NOT, "%s", row->name);
        cr_expect(units.unit[1].len == strlen(row->then) &&
                  !memcmp(units.bytes + units.unit[1].off, row->then, units.unit[1].len), "%s", row->name);
        cr_expect(units_add_up(&units), "%s", row->name);
        units_fini(&units);
    }
}

Test(framing, time_that_ends_between_units_changes_nothing)
{
    struct units units;
    units_init(&units, SL_FRAMING_LENGTH32, MAX, MAX);
    units_feed(&units, (const uint8_t *)"\0\0", 2);
    units_end(&units, SL_END_OF_TIME);
    units_feed(&units, (const uint8_t *)"\0\001x", 3);
    cr_expect_eq(units.cnt, 1);
    units_fini(&units);
}

Test(framing, the_end_of_a_file_ends_what_has_no_end_of_its_own)
{
    static const struct file_case {
        const char *name;
        enum sl_framing framing;
        const char *wire;
        uint32_t cnt;
        enum sl_cut last;
    } rows[] = {
        { "file",            SL_FRAMING_FILE,     "abc",      1, SL_CUT_NOT      },
        { "mail",            SL_FRAMING_MIME,     MAIL,       1, SL_CUT_NOT      },
        { "line",            SL_FRAMING_LINE,     "a\nb",     2, SL_CUT_NOT      },
        { "trailer",         SL_FRAMING_CONTROL,  BODY TAIL,  1, SL_CUT_NOT      },
        { "text",            SL_FRAMING_CONTROL,  BODY,       1, SL_CUT_FILE_END },
        { "noise",           SL_FRAMING_CONTROL,  "buzz",     1, SL_CUT_NOISE    },
        { "document",        SL_FRAMING_XML,      "<a><b>",   1, SL_CUT_FILE_END },
        { "only a comment",  SL_FRAMING_XML,      "<!-- -->", 0, SL_CUT_NOT      },
        { "length",          SL_FRAMING_LENGTH16, "\1\1abc",  1, SL_CUT_FILE_END },
        { "ZCZC",            SL_FRAMING_ZCZC,     ZCZC ZCZC,  2, SL_CUT_NOT      },
        { "headings",        SL_FRAMING_WMO,      HEADED HEADED, 2, SL_CUT_NOT   },
        { "ZCZC, noise",     SL_FRAMING_ZCZC,     "ZCZ",      1, SL_CUT_NOISE    },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct units units;
        units_init(&units, rows[i].framing, MAX, MAX);
        units_feed(&units, (const uint8_t *)rows[i].wire, (uint32_t)strlen(rows[i].wire));
        units_end(&units, SL_END_OF_FILE);
        cr_assert_eq(units.cnt, rows[i].cnt, "%s: %u units", rows[i].name, units.cnt);
        cr_expect(!units.cnt || units.unit[units.cnt - 1].cut == rows[i].last, "%s", rows[i].name);
        cr_expect(units_add_up(&units), "%s", rows[i].name);
        units_fini(&units);
    }
}

Test(framing, the_end_of_a_datagram_ends_its_last_line)
{
    static const struct { const char *wire; uint32_t cnt; const char *last; } rows[] = {
        { "one\ntwo",     2, "two" },
        { "one\r\ntwo\r", 2, "two" },
        { "one\n\r",      1, "one" },
        { "\r",           0, ""    },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct units units;
        units_init(&units, SL_FRAMING_LINE, MAX, MAX);
        units_feed(&units, (const uint8_t *)rows[i].wire, (uint32_t)strlen(rows[i].wire));
        units_end(&units, SL_END_OF_DATAGRAM);
        cr_assert_eq(units.cnt, rows[i].cnt, "row %zu: %u", i, units.cnt);
        const struct found_unit *last = &units.unit[units.cnt - (units.cnt > 0)];
        cr_expect(!units.cnt || (last->cut == SL_CUT_NOT && last->len == strlen(rows[i].last) &&
                                 !memcmp(units.bytes + last->off, rows[i].last, last->len)), "row %zu", i);
        cr_expect(units_add_up(&units), "row %zu", i);
        units_fini(&units);
    }
}

Test(framing, an_overlong_trailer_ends_its_message_whole)
{
    uint8_t wire[8192];
    uint32_t len = 0;
    memcpy(wire, BODY "\003", sizeof(BODY "\003") - 1);
    len += sizeof(BODY "\003") - 1;
    memset(wire + len, 'x', 3000);
    len += 3000;
    memcpy(wire + len, TWO, sizeof(TWO) - 1);
    len += sizeof(TWO) - 1;
    struct units units;
    units_init(&units, SL_FRAMING_CONTROL, MAX, len);
    units_feed(&units, wire, len);
    cr_assert_eq(units.cnt, 2);
    cr_expect_eq(units.unit[0].len, sizeof(BODY "\003") - 1 + SL_TRAILER_MAX);
    cr_expect_eq(units.unit[0].cut, SL_CUT_NOT);
    cr_expect_eq(units.unit[1].len, sizeof(TWO) - 1);
    units_fini(&units);
}

/* Real messages, each cut at every byte into two pieces, and once into single bytes. */
static void check_sample(const char *path)
{
    static uint8_t wire[1 << 20];
    FILE *file = fopen(path, "rb");
    cr_assert(file, "%s", path);
    uint32_t len = (uint32_t)fread(wire, 1, sizeof(wire), file);
    fclose(file);
    struct framing_case c = {
        .framing = SL_FRAMING_CONTROL, .message_max = 1 << 20, .wire = (char *)wire, .wire_len = len
    };
    struct units whole = run_case(&c, len, len, 0), single = run_case(&c, 0, 0, 1);
    cr_expect_eq(whole.cnt, 1, "%s: %u units", path, whole.cnt);
    cr_expect_eq(whole.unit[0].cut, SL_CUT_NOT, "%s", path);
    cr_expect(whole.bytes[0] == 1 && whole.bytes[whole.bytes_len - 1] == 4, "%s: SOH to EOT", path);
    cr_expect(units_same(&whole, &single), "%s: byte by byte", path);
    units_fini(&single);
    for (uint32_t at = 0; at <= len; at++) {
        struct units pieces = run_case(&c, at, at, 0);
        cr_assert(units_same(&whole, &pieces), "%s: cut at %u", path, at);
        units_fini(&pieces);
    }
    units_fini(&whole);
}

Test(framing, real_messages_are_one_unit_each_wherever_they_are_cut)
{
    static const char *const folders[] = { "iptc7901", "anpa1312" };
    uint32_t cnt = 0;
    for (size_t i = 0; i < 2; i++) {
        char path[1024];
        snprintf(path, sizeof(path), "%s/../shared/wire-corpus/%s", SL_SOURCE_ROOT, folders[i]);
        DIR *dir = opendir(path);
        for (struct dirent *entry; dir && (entry = readdir(dir));) {
            char name[2048];
            snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
            if (entry->d_name[0] == '.')
                continue;
            check_sample(name);
            cnt++;
        }
        if (dir)
            closedir(dir);
    }
    if (!cnt)
        cr_skip_test("no samples beside the source tree");
}
