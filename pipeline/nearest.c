#include "pipeline/nearest.h"

#include <ctype.h>
#include <string.h>

#define LEN_MAX (sizeof(((struct sl_nearest *)0)->found) - 1)

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
    unsigned less = a < b ? a : b;
    return less < c ? less : c;
}

static bool same_letter(char a, char b) { return tolower((unsigned char)a) == tolower((unsigned char)b); }

/* Letters to add, leave out, change, or exchange with their neighbour until one word is the other, case aside. */
static unsigned distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
    unsigned rows[3][LEN_MAX + 1];
    for (size_t j = 0; j <= b_len; j++)
        rows[0][j] = (unsigned)j;
    for (size_t i = 1; i <= a_len; i++) {
        unsigned *row = rows[i % 3], *above = rows[(i + 2) % 3], *two_above = rows[(i + 1) % 3];
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= b_len; j++) {
            row[j] = min3(above[j] + 1, row[j - 1] + 1, above[j - 1] + !same_letter(a[i - 1], b[j - 1]));
            bool exchanged = i > 1 && j > 1 && same_letter(a[i - 1], b[j - 2]) && same_letter(a[i - 2], b[j - 1]);
            if (exchanged && two_above[j - 2] + 1 < row[j])
                row[j] = two_above[j - 2] + 1;
        }
    }
    return rows[a_len % 3][b_len];
}

void sl_nearest_begin(struct sl_nearest *nearest, const char *word)
{
    size_t len = strlen(word);
    /* A third of the letters wrong is a slip; more is another word. */
    *nearest = (struct sl_nearest){ .word = word, .least = len < 6 ? 2 : (unsigned)len / 3 + 1 };
    if (!len || len > LEN_MAX)
        nearest->least = 0;
}

bool sl_nearest_offer(struct sl_nearest *nearest, const char *candidate)
{
    size_t len = strlen(candidate);
    if (!nearest->least || !len || len > LEN_MAX)
        return false;
    unsigned away = distance(nearest->word, strlen(nearest->word), candidate, len);
    if (away >= nearest->least || away >= len)
        return false;
    nearest->least = away;
    memcpy(nearest->found, candidate, len + 1);
    return true;
}

const char *sl_nearest_of(const char *word, const char *const *words)
{
    struct sl_nearest nearest;
    const char *found = NULL;
    sl_nearest_begin(&nearest, word);
    for (; *words; words++)
        if (sl_nearest_offer(&nearest, *words))
            found = *words;
    return found;
}
