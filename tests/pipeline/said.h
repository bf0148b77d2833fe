/* tests/pipeline/said.h - bulletins for tests, said in one line each. */
#ifndef SL_TESTS_PIPELINE_SAID_H
#define SL_TESTS_PIPELINE_SAID_H

#include "parsers/bulletin.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* What a row leaves out is not said. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

#define SAID_LEN_MAX 16384u

struct said {
    const char *id, *version, *body; /* NULL: not said */
    unsigned kind; /* 0: NEWS */
    unsigned pubstatus, flags;
    int64_t until, created; /* 0: not said */
    const char *refers, *alt_id;
    unsigned take_no;
    const char *provider; /* NULL: "agency" */
};

static inline void said_text(struct sl_out *out, enum sl_text text, const char *value)
{
    if (value)
        sl_out_text(out, text, value, (uint32_t)strlen(value));
}

static inline void said_id(struct sl_out *out, enum sl_list list, const char *id)
{
    struct sl_ref none = { 0 };
    if (id)
        sl_out_item(out, list, sl_out_ref(out, "names", 5), sl_out_ref(out, id, (uint32_t)strlen(id)), none, none);
}

/* Into mem, SAID_LEN_MAX bytes of it and 8-aligned.  Returns its length. */
static inline uint32_t say(void *mem, struct said said)
{
    struct sl_out *out = malloc(sizeof(*out)); /* long for a stack */
    sl_out_begin(out, mem, SAID_LEN_MAX, 0);
    struct sl_bulletin *root = sl_out_root(out);
    root->kind = (uint8_t)(said.kind ? said.kind : SL_KIND_NEWS);
    root->pubstatus = (uint8_t)said.pubstatus;
    root->flags |= said.flags;
    root->take_no = said.take_no;
    if (said.until)
        root->embargoed_until = said.until;
    if (said.created)
        root->version_created = said.created;
    said_text(out, SL_TEXT_PROVIDER, said.provider ? said.provider : "agency");
    said_text(out, SL_TEXT_ID, said.id);
    said_text(out, SL_TEXT_VERSION, said.version);
    said_text(out, SL_TEXT_BODY, said.body);
    said_id(out, SL_LIST_REFERENCES, said.refers);
    said_id(out, SL_LIST_ALT_IDS, said.alt_id);
    uint32_t len = sl_out_finish(out);
    free(out);
    assert(len);
    return len;
}

/* The same in memory of its own, which the caller frees. */
static inline struct sl_bulletin *said_new(struct said said)
{
    void *mem = calloc(1, SAID_LEN_MAX);
    say(mem, said);
    return mem;
}

#endif
