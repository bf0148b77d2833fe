#include "pipeline/facts.h"

#include "parsers/bulletin_json.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void put_key(struct sl_facts *facts, const char *key)
{
    if (facts->more)
        putchar(',');
    if (key)
        printf("\"%s\":", key);
    facts->more = true;
}

void sl_facts_open(struct sl_facts *facts, const char *key, char bracket)
{
    put_key(facts, key);
    putchar(bracket);
    facts->more = false;
}

void sl_facts_close(struct sl_facts *facts, char bracket)
{
    putchar(bracket);
    facts->more = true;
}

void sl_facts_list(struct sl_facts *facts, const struct sl_fact *rows)
{
    for (; rows->key; rows++) {
        put_key(facts, rows->key);
        printf("%" PRId64, rows->number);
    }
}

void sl_facts_real(struct sl_facts *facts, const char *key, double number)
{
    put_key(facts, key);
    printf("%.6f", number);
}

void sl_facts_truth(struct sl_facts *facts, const char *key, bool truth)
{
    put_key(facts, key);
    fputs(truth ? "true" : "false", stdout);
}

void sl_facts_text(struct sl_facts *facts, const char *key, const char *text)
{
    put_key(facts, key);
    if (!text) {
        fputs("null", stdout);
        return;
    }
    char json[4096];
    size_t len = sl_json_string(json, sizeof(json), text, strlen(text));
    assert(len <= sizeof(json));
    fwrite(json, 1, len, stdout);
}
