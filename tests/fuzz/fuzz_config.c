/* fuzz_config - does any file, line, size or duration break the configuration?
 *
 * The first byte says which of them the rest is.  What is accepted must be usable: freed, written out, read back.
 */
#include "pipeline/config.h"

#include <assert.h>
#include <grp.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_MAX 65536u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* No input may send questions into the network, or depend on who is known here: these take the C library's place. */
int getaddrinfo(const char *restrict host, const char *restrict service, const struct addrinfo *restrict hints,
                struct addrinfo **restrict found)
{
    (void)host;
    (void)service;
    (void)hints;
    (void)found;
    return EAI_NONAME;
}

struct group *getgrnam(const char *name)
{
    (void)name;
    return NULL;
}

static void try_file(const char *text, size_t len)
{
    struct sl_config config;
    char err[256] = "";
    if (sl_config_parse(&config, "fuzz", text, len, err, sizeof(err))) {
        assert(*err);
        return;
    }
    assert(config.feed_cnt && config.feeds[0].line_cnt && config.feeds[0].facts.zones && config.tape_len &&
           config.socket);
    char key[SL_CONFIG_PATH_LEN];
    assert(sl_config_can_change(&config, &config, key) && !*key);
    sl_config_free(&config);
}

static void try_line(const char *text)
{
    struct sl_line_config line;
    char err[256] = "";
    if (sl_config_line(&line, text, err, sizeof(err)))
        assert(*err);
    else
        assert(line.addr_len && line.addr_len <= sizeof(line.addr) && !strcmp(line.url, text));
}

static void try_value(enum sl_config_unit unit, const char *text)
{
    uint64_t number = 0, again = 0;
    int64_t ns = 0;
    char why[192];
    bool right = unit == SL_CONFIG_SIZE ? sl_config_size(text, &number) : sl_config_duration(text, &ns);
    sl_config_explain(why, sizeof(why), unit, text);
    if (!right)
        return;
    struct sl_config_text written = sl_config_written(unit, unit == SL_CONFIG_SIZE ? number : (uint64_t)ns);
    if (unit == SL_CONFIG_SIZE)
        assert(sl_config_size(written.text, &again) && again == number);
    else
        assert(ns >= 0 && sl_config_duration(written.text, &(int64_t){ 0 }));
}

static void try_word(const char *text)
{
    static const char *const words[] = { "iptc7901", "interface", "message_time", "", NULL };
    sl_nearest_of(text, words);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    if (!len || len > TEXT_MAX)
        return 0;
    char *text = malloc(len);
    if (!text)
        return 0;
    memcpy(text, data + 1, len - 1);
    text[len - 1] = '\0';
    switch (data[0]) {
    case 'l':
        try_line(text);
        break;
    case 's':
        try_value(SL_CONFIG_SIZE, text);
        break;
    case 'd':
        try_value(SL_CONFIG_DURATION, text);
        break;
    case 'w':
        try_word(text);
        break;
    default:
        try_file(text, len - 1);
    }
    free(text);
    return 0;
}
