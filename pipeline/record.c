#include "pipeline/record.h"

#include "parsers/bulletin.h"

static const char *name_of(const char *const *names, unsigned cnt, unsigned value)
{
    return value < cnt && names[value] ? names[value] : "?";
}

const char *sl_verdict_name(unsigned verdict)
{
    static const char *const names[SL_VERDICT_CNT] = {
        [0] = "", /* what lies on the raw log has no verdict */
        [SL_VERDICT_PASSED] = "passed",
        [SL_VERDICT_SAME_VERSION] = "same_version",
        [SL_VERDICT_LATE] = "late",
        [SL_VERDICT_WITHDRAWN] = "withdrawn",
        [SL_VERDICT_RELEASED] = "released",
        [SL_VERDICT_MADE] = "made",
        [SL_VERDICT_DUPLICATE] = "duplicate",
        [SL_VERDICT_HELD] = "held",
        [SL_VERDICT_CANCELLED] = "cancelled",
        [SL_VERDICT_NO_ROOM] = "no_room",
    };
    return name_of(names, SL_VERDICT_CNT, verdict);
}

const char *sl_record_kind_name(unsigned kind)
{
    static const char *const names[SL_RECORD_RAW_HELD + 1] = {
        [SL_RECORD_GAP] = "gap",           [SL_RECORD_REJECT] = "reject", [SL_RECORD_HELD] = "held",
        [SL_RECORD_EPOCH] = "epoch",       [SL_RECORD_HOLE] = "hole",     [SL_RECORD_RAW] = "raw",
        [SL_RECORD_RAW_HELD] = "raw_held",
    };
    return kind < SL_KIND_CNT ? sl_kind_name(kind) : name_of(names, SL_RECORD_RAW_HELD + 1, kind);
}

const char *sl_cut_name(unsigned cut)
{
    static const char *const names[SL_CUT_CNT] = {
        [SL_CUT_NOT] = "whole",           [SL_CUT_TOO_LONG] = "too_long",   [SL_CUT_TIMEOUT] = "timeout",
        [SL_CUT_LINE_DOWN] = "line_down", [SL_CUT_NEW_START] = "new_start", [SL_CUT_NOISE] = "noise",
        [SL_CUT_REFUSED] = "refused",     [SL_CUT_FILE_END] = "file_end",   [SL_CUT_NO_ROOM] = "no_room",
    };
    return name_of(names, SL_CUT_CNT, cut);
}

const char *sl_cut_want(unsigned cut)
{
    static const char *const wants[SL_CUT_CNT] = {
        [SL_CUT_NOT] = "",
        [SL_CUT_TOO_LONG] = "an end within the longest message that the feed allows",
        [SL_CUT_TIMEOUT] = "an end within the time that the feed allows",
        [SL_CUT_LINE_DOWN] = "an end before the line broke",
        [SL_CUT_NEW_START] = "an end before the next message begins",
        [SL_CUT_NOISE] = "the start of a message",
        [SL_CUT_REFUSED] = "a message that has not crashed a parser before",
        [SL_CUT_FILE_END] = "an end before the file ends, and a file that stays as it is",
        [SL_CUT_NO_ROOM] = "the other fragments before more stories begin than the feed's join holds",
    };
    return name_of(wants, SL_CUT_CNT, cut);
}
