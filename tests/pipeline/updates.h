/* tests/pipeline/updates.h - MRN updates with fragments of any bytes: three for each letter of text. */
#ifndef SL_TESTS_PIPELINE_UPDATES_H
#define SL_TESTS_PIPELINE_UPDATES_H

#include <stdio.h>

#define UPDATE_MAX 4096u

/* A fragment of the story guid: letters times three bytes of the total. */
static inline int put_update(char to[UPDATE_MAX], const char *guid, unsigned number, unsigned total, char letter,
                             unsigned letters)
{
    int len = snprintf(to, UPDATE_MAX,
                       "{\"Type\":\"Update\",\"Fields\":{\"MRN_SRC\":\"TST_A\",\"GUID\":\"%s\",\"FRAG_NUM\":%u,"
                       "\"TOT_SIZE\":%u,\"FRAGMENT\":\"",
                       guid, number, total);
    for (unsigned i = 0; i < 4 * letters; i++)
        to[len++] = letter;
    return len + snprintf(to + len, UPDATE_MAX - (unsigned)len, "\"}}");
}

#endif
