#include "pipeline/profiles.h"

#include "pipeline/config_file.h"
#include "pipeline/nearest.h"

#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ENDING     ".yaml"
#define ITEMS_MAX  1024u /* of a list: more than a file has room for */
#define MEM_GROWTH 16u /* what a byte of a file may become: a short word in a list is a pointer and eight bytes */
#define MEM_LEAST  8192u

/* ---- the words of a file ---- */

static const char *const means_names[] = { "kill",  "hold",     "release", "correction", "update",
                                           "alert", "advisory", "test",    NULL };
static const struct sl_label means[] = {
    {NULL,  SL_KIND_KILL,       SL_SIGNAL_KILL      },
    { NULL, SL_KIND_HOLD,       SL_SIGNAL_HOLD      },
    { NULL, SL_KIND_RELEASE,    SL_SIGNAL_RELEASE   },
    { NULL, SL_KIND_CORRECTION, SL_SIGNAL_CORRECTION},
    { NULL, SL_KIND_UPDATE,     SL_SIGNAL_UPDATE    },
    { NULL, SL_KIND_NEWS,       SL_SIGNAL_ALERT     },
    { NULL, SL_KIND_ADVISORY,   SL_SIGNAL_ADVISORY  },
    { NULL, SL_KIND_TEST,       SL_SIGNAL_TEST      },
};

static const char *const field_names[SL_HEADER_FIELD_CNT + 1] = {
    [SL_HEADER_IGNORED] = "ignored",
    [SL_HEADER_CATEGORY] = "category",
    [SL_HEADER_SLUGLINE] = "slugline",
    [SL_HEADER_HEADLINE] = "headline",
    [SL_HEADER_TAKE] = "take",
    [SL_HEADER_PLACE] = "place",
    [SL_HEADER_SUBJECT] = "subject",
    [SL_HEADER_GENRE] = "genre",
    [SL_HEADER_KEYWORDS] = "keywords",
    [SL_HEADER_BYLINE] = "byline",
    [SL_HEADER_CREDIT] = "credit",
    [SL_HEADER_PROVIDER] = "provider",
    [SL_HEADER_ID] = "id",
    [SL_HEADER_VERSION] = "version",
    [SL_HEADER_PRIORITY] = "priority",
    [SL_HEADER_SYMBOL] = "symbol",
    [SL_HEADER_NOTE] = "note",
    [SL_HEADER_ORGANISATION] = "organisation",
    [SL_HEADER_DATE] = "date",
    [SL_HEADER_FORMAT] = "format",
    [SL_HEADER_TEXT] = "text",
    [SL_HEADER_FIELD_CNT] = NULL,
};

/* clang-format off */
enum { LABEL_PHRASE, LABEL_MEANS };
static const struct sl_key label_keys[] = {
    [LABEL_PHRASE] = { "phrase", SL_KEY_WORD },
    [LABEL_MEANS] =  { "means",  SL_KEY_WORD },
    { NULL },
};

enum { PRIORITY_LETTER, PRIORITY_URGENCY };
static const struct sl_key priority_keys[] = {
    [PRIORITY_LETTER] =  { "letter",  SL_KEY_WORD },
    [PRIORITY_URGENCY] = { "urgency", SL_KEY_WORD },
    { NULL },
};

enum { LINE_BEGINS, LINE_IS };
static const struct sl_key line_keys[] = {
    [LINE_BEGINS] = { "begins", SL_KEY_WORD },
    [LINE_IS] =     { "is",     SL_KEY_WORD },
    { NULL },
};

enum { PRODUCT_NAME, PRODUCT_HEADING, PRODUCT_SIGNS, PRODUCT_PROVIDER, PRODUCT_LINES };
static const struct sl_key product_keys[] = {
    [PRODUCT_NAME] =     { "name",     SL_KEY_WORD },
    [PRODUCT_HEADING] =  { "heading",  SL_KEY_WORD },
    [PRODUCT_SIGNS] =    { "signs",    SL_KEY_LINES, .min = 1, .max = 16, .what = "\"#\"" },
    [PRODUCT_PROVIDER] = { "provider", SL_KEY_WORD },
    [PRODUCT_LINES] =    { "lines",    SL_KEY_LIST, .min = 1, .max = 64, .keys = line_keys,
                           .what = "{begins: \"#\", is: slugline}" },
    { NULL },
};

enum { KEY_NAMES, KEY_PROVIDER, KEY_LANGUAGE, KEY_TIMEZONE, KEY_PRIORITIES, KEY_LABELS, KEY_REQUESTS, KEY_SIGNOFFS,
       KEY_PRODUCTS };
static const struct sl_key profile_keys[] = {
    [KEY_NAMES] =      { "names",      SL_KEY_LINES, .min = 1, .max = 32, .what = "dpa" },
    [KEY_PROVIDER] =   { "provider",   SL_KEY_WORD },
    [KEY_LANGUAGE] =   { "language",   SL_KEY_WORD },
    [KEY_TIMEZONE] =   { "timezone",   SL_KEY_WORD },
    [KEY_PRIORITIES] = { "priorities", SL_KEY_LIST, .min = 1, .max = 26, .keys = priority_keys,
                         .what = "{letter: f, urgency: 1}" },
    [KEY_LABELS] =     { "labels",     SL_KEY_LIST, .min = 1, .max = ITEMS_MAX, .keys = label_keys,
                         .what = "{phrase: spike, means: kill}" },
    [KEY_REQUESTS] =   { "requests",   SL_KEY_LINES, .min = 1, .max = 64, .what = "please spike" },
    [KEY_SIGNOFFS] =   { "signoffs",   SL_KEY_LINES, .min = 1, .max = 64, .what = "AAP" },
    [KEY_PRODUCTS] =   { "products",   SL_KEY_LIST, .min = 1, .max = 64, .keys = product_keys,
                         .what = "{name: sports}" },
    { NULL },
};
/* clang-format on */

static const struct sl_key profile_root = { .name = "", .kind = SL_KEY_GROUP, .keys = profile_keys, .what = "names" };

/* ---- reading ---- */

struct maker {
    struct sl_config_file file;
    struct sl_profile *profile;
    struct sl_zones_store *zones;
    char *mem;
    size_t left;
};

#define fault(maker, ...) sl_config_fault(&(maker)->file, __VA_ARGS__)

struct place {
    char text[SL_CONFIG_PATH_LEN];
};

__attribute__((format(printf, 1, 2))) static struct place place_of(const char *format, ...)
{
    struct place place;
    va_list args;
    va_start(args, format);
    vsnprintf(place.text, sizeof(place.text), format, args);
    va_end(args);
    return place;
}

/* 8-aligned; the file's length bounds what it can ask for. */
static void *take(struct maker *maker, size_t len)
{
    len = (len + 7) & ~(size_t)7;
    if (len > maker->left)
        return NULL;
    void *taken = maker->mem;
    maker->mem += len;
    maker->left -= len;
    return taken;
}

static int refuse_size(struct maker *maker) { return fault(maker, "", "has more than a profile may have"); }

static int keep_word(struct maker *maker, const char *word, const char **kept)
{
    size_t len = word ? strlen(word) + 1 : 0;
    char *copy = word ? take(maker, len) : NULL;
    if (word && !copy)
        return refuse_size(maker);
    *kept = word ? memcpy(copy, word, len) : NULL;
    return 0;
}

static int keep_words(struct maker *maker, const struct sl_slot *slot, const char *const **kept, uint32_t *cnt)
{
    char *const *words = slot->said;
    const char **copies = take(maker, slot->cnt * sizeof(*copies));
    if (!copies)
        return refuse_size(maker);
    for (uint32_t i = 0; i < slot->cnt; i++) {
        int rc = keep_word(maker, words[i], &copies[i]);
        if (rc)
            return rc;
    }
    *kept = copies;
    *cnt = slot->cnt;
    return 0;
}

/* One of a list of words, by its place in it. */
static int choose(struct maker *maker, const char *path, const char *word, const char *const *choices, unsigned *idx)
{
    char list[320] = "";
    if (!word)
        return fault(maker, path, "is missing");
    for (*idx = 0; choices[*idx]; ++*idx) {
        if (!strcmp(choices[*idx], word))
            return 0;
        snprintf(list + strlen(list), sizeof(list) - strlen(list), "%s%s", *idx ? ", " : "", choices[*idx]);
    }
    const char *nearest = sl_nearest_of(word, choices);
    if (nearest)
        return fault(maker, path, "'%.*s' is not known here; did you mean %s?", SL_CONFIG_SHOWN, word, nearest);
    return fault(maker, path, "'%.*s' is not known here; one of %s is expected", SL_CONFIG_SHOWN, word, list);
}

/* As sl_phrase_starts reads it. */
static int check_phrase(struct maker *maker, const char *path, const char *phrase)
{
    char before = ' ';
    if (!phrase)
        return fault(maker, path, "is missing");
    for (const char *at = phrase; *at; before = *at++) {
        bool fits = (*at >= 'a' && *at <= 'z') || (at != phrase && strchr("?'-./&0123456789", *at)) ||
                    (*at == ' ' && before != ' ');
        if (!fits)
            return fault(
                maker, path,
                "'%.*s' is no phrase; small letters from the first on, single blanks, and ? for a letter beyond "
                "ASCII are expected",
                SL_CONFIG_SHOWN, phrase);
    }
    return before != ' ' ? 0 : fault(maker, path, "ends with a blank");
}

static int compare_labels(const void *a, const void *b)
{
    return strcmp(((const struct sl_label *)a)->phrase, ((const struct sl_label *)b)->phrase);
}

static int read_labels(struct maker *maker, const struct sl_slot *slot)
{
    const struct sl_slot *item = slot->said;
    struct sl_label *labels = take(maker, slot->cnt * sizeof(*labels));
    if (!labels)
        return refuse_size(maker);
    for (uint32_t i = 0; i < slot->cnt; i++, item += sl_key_cnt(label_keys)) {
        unsigned idx = 0;
        int rc = check_phrase(maker, place_of("labels[%u].phrase", i).text, item[LABEL_PHRASE].said);
        if (!rc)
            rc = choose(maker, place_of("labels[%u].means", i).text, item[LABEL_MEANS].said, means_names, &idx);
        if (!rc) {
            labels[i] = means[idx];
            rc = keep_word(maker, item[LABEL_PHRASE].said, &labels[i].phrase);
        }
        if (rc)
            return rc;
    }
    qsort(labels, slot->cnt, sizeof(*labels), compare_labels);
    maker->profile->labels = labels;
    for (unsigned letter = 0, i = 0; letter <= 26; letter++) {
        while (i < slot->cnt && labels[i].phrase[0] < (char)('a' + letter))
            i++;
        maker->profile->first[letter] = (uint16_t)i;
    }
    return 0;
}

static int read_priorities(struct maker *maker, const struct sl_slot *slot)
{
    const struct sl_slot *item = slot->said;
    for (uint32_t i = 0; i < slot->cnt; i++, item += sl_key_cnt(priority_keys)) {
        const char *letter = item[PRIORITY_LETTER].said, *urgency = item[PRIORITY_URGENCY].said;
        if (!letter || letter[1] || letter[0] < 'a' || letter[0] > 'z')
            return fault(maker, place_of("priorities[%u].letter", i).text, "one small letter is expected");
        if (!urgency || urgency[1] || urgency[0] < '1' || urgency[0] > '9')
            return fault(maker, place_of("priorities[%u].urgency", i).text, "a number from 1 to 9 is expected");
        maker->profile->urgency[letter[0] - 'a'] = (uint8_t)(urgency[0] - '0');
    }
    return 0;
}

static int read_lines(struct maker *maker, uint32_t product_idx, const struct sl_slot *slot, struct sl_product *product)
{
    const struct sl_slot *item = slot->said;
    struct sl_header_line *lines = take(maker, slot->cnt * sizeof(*lines));
    if (!lines)
        return refuse_size(maker);
    for (uint32_t i = 0; i < slot->cnt; i++, item += sl_key_cnt(line_keys)) {
        unsigned field = 0;
        if (!item[LINE_BEGINS].said)
            return fault(maker, place_of("products[%u].lines[%u].begins", product_idx, i).text, "is missing");
        int rc = choose(maker, place_of("products[%u].lines[%u].is", product_idx, i).text, item[LINE_IS].said,
                        field_names, &field);
        if (!rc)
            rc = keep_word(maker, item[LINE_BEGINS].said, &lines[i].begins);
        if (rc)
            return rc;
        lines[i].field = (enum sl_header_field)field;
    }
    product->lines = lines;
    product->line_cnt = slot->cnt;
    return 0;
}

static int read_products(struct maker *maker, const struct sl_slot *slot)
{
    const struct sl_slot *item = slot->said;
    struct sl_product *products = take(maker, slot->cnt * sizeof(*products));
    if (!products)
        return refuse_size(maker);
    for (uint32_t i = 0; i < slot->cnt; i++, item += sl_key_cnt(product_keys)) {
        struct sl_product *product = &products[i];
        memset(product, 0, sizeof(*product));
        if (!item[PRODUCT_NAME].said)
            return fault(maker, place_of("products[%u].name", i).text, "is missing");
        int rc = keep_word(maker, item[PRODUCT_NAME].said, &product->name);
        if (!rc)
            rc = keep_word(maker, item[PRODUCT_HEADING].said, &product->heading);
        if (!rc)
            rc = keep_word(maker, item[PRODUCT_PROVIDER].said, &product->provider);
        if (!rc)
            rc = keep_words(maker, &item[PRODUCT_SIGNS], &product->signs, &product->sign_cnt);
        if (!rc)
            rc = read_lines(maker, i, &item[PRODUCT_LINES], product);
        if (rc)
            return rc;
    }
    maker->profile->products = products;
    maker->profile->product_cnt = slot->cnt;
    return 0;
}

static int read_zone(struct maker *maker, const char *name)
{
    if (!name)
        return 0;
    int rc = sl_zones_load(maker->zones, name);
    if (rc == -EINVAL)
        return fault(maker, "timezone", "'%.*s' is no time zone; one such as Europe/Berlin is expected",
                     SL_CONFIG_SHOWN, name);
    if (rc == -ENOSPC)
        return fault(maker, "timezone", "more than %u different time zones", SL_ZONES_MAX);
    /* A host without this zone is none of the file's faults: times say then that UTC was assumed. */
    struct sl_zones view = sl_zones_view(maker->zones);
    maker->profile->zone = sl_zones_find(&view, name, strlen(name));
    return 0;
}

static int read_words(struct maker *maker, const struct sl_slot *slots)
{
    struct sl_profile *profile = maker->profile;
    char *const *requests = slots[KEY_REQUESTS].said;
    int rc = keep_words(maker, &slots[KEY_NAMES], &profile->names, &profile->name_cnt);
    if (!rc)
        rc = keep_word(maker, slots[KEY_PROVIDER].said, &profile->provider);
    if (!rc)
        rc = keep_word(maker, slots[KEY_LANGUAGE].said, &profile->language);
    for (uint32_t i = 0; !rc && i < slots[KEY_REQUESTS].cnt; i++)
        rc = check_phrase(maker, place_of("requests[%u]", i).text, requests[i]);
    if (!rc)
        rc = keep_words(maker, &slots[KEY_REQUESTS], &profile->requests, &profile->request_cnt);
    return rc ? rc : keep_words(maker, &slots[KEY_SIGNOFFS], &profile->signoffs, &profile->signoff_cnt);
}

static int read_profile(struct maker *maker, const char *name)
{
    const struct sl_slot *slots = maker->file.slots;
    if (!slots[KEY_NAMES].said)
        return fault(maker, "names", "is missing; what the agency's messages call it is expected");
    int rc = keep_word(maker, name, &maker->profile->name);
    if (!rc)
        rc = read_words(maker, slots);
    if (!rc)
        rc = read_zone(maker, slots[KEY_TIMEZONE].said);
    if (!rc)
        rc = read_priorities(maker, &slots[KEY_PRIORITIES]);
    if (!rc)
        rc = read_labels(maker, &slots[KEY_LABELS]);
    return rc ? rc : read_products(maker, &slots[KEY_PRODUCTS]);
}

int sl_profiles_parse(struct sl_profile_store *store, struct sl_zones_store *zones, const char *name, const char *file,
                      const char *yaml, size_t len, char *err, size_t err_len)
{
    struct maker maker = { .zones = zones };
    maker.file = (struct sl_config_file){
        .root = &profile_root, .name = file, .yaml = yaml, .len = len, .err = err, .err_len = err_len
    };
    if (len > SL_PROFILE_LEN_MAX) {
        snprintf(err, err_len, "%s: longer than %u bytes", file, SL_PROFILE_LEN_MAX);
        return -EINVAL;
    }
    if (store->cnt == SL_PROFILES_MAX) {
        snprintf(err, err_len, "%s: more than %u profiles", file, SL_PROFILES_MAX);
        return -EINVAL;
    }
    int rc = sl_config_file_load(&maker.file);
    if (rc)
        return rc;
    maker.left = MEM_LEAST + MEM_GROWTH * len;
    void *mem = maker.mem = malloc(maker.left);
    maker.profile = &store->profile[store->cnt];
    memset(maker.profile, 0, sizeof(*maker.profile));
    rc = mem ? read_profile(&maker, name) : -ENOMEM;
    sl_config_file_free(&maker.file);
    if (rc)
        free(mem);
    else
        store->mem[store->cnt++] = mem;
    return rc;
}

/* ---- folders ---- */

static int is_profile(const struct dirent *entry)
{
    size_t len = strlen(entry->d_name), ending = sizeof(ENDING) - 1;
    return entry->d_name[0] != '.' && len > ending && !strcmp(entry->d_name + len - ending, ENDING);
}

static int load_file(struct sl_profile_store *store, struct sl_zones_store *zones, const char *folder,
                     const char *entry, char *err, size_t err_len)
{
    char path[4096], name[256];
    snprintf(path, sizeof(path), "%s/%s", folder, entry);
    snprintf(name, sizeof(name), "%.*s", (int)(strlen(entry) - (sizeof(ENDING) - 1)), entry);
    FILE *file = fopen(path, "re");
    char *yaml = file ? malloc(SL_PROFILE_LEN_MAX + 1) : NULL;
    int rc = !file ? -errno : !yaml ? -ENOMEM : 0;
    size_t len = rc ? 0 : fread(yaml, 1, SL_PROFILE_LEN_MAX + 1, file);
    if (!rc && ferror(file))
        rc = -EIO;
    if (rc)
        snprintf(err, err_len, "%s: %s", path, strerror(-rc));
    else
        rc = sl_profiles_parse(store, zones, name, path, yaml, len, err, err_len);
    if (file)
        fclose(file);
    free(yaml);
    return rc;
}

int sl_profiles_load(struct sl_profile_store *store, struct sl_zones_store *zones, const char *folder, char *err,
                     size_t err_len)
{
    struct dirent **entries;
    int cnt = scandir(folder, &entries, is_profile, alphasort), rc = 0;
    if (cnt < 0) {
        rc = -errno;
        snprintf(err, err_len, "%s: %s", folder, strerror(-rc));
        return rc;
    }
    for (int i = 0; i < cnt; i++) {
        if (!rc)
            rc = load_file(store, zones, folder, entries[i]->d_name, err, err_len);
        free(entries[i]);
    }
    free(entries);
    if (rc)
        sl_profiles_fini(store);
    return rc;
}

bool sl_profiles_folder(char *path, size_t path_len)
{
    static const char *const places[] = { "../share/slugline/profiles", "../deploy/profiles" };
    char exe[2048];
    struct stat found;
    ssize_t len = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
    char *slash = len > 0 ? memrchr(exe, '/', (size_t)len) : NULL;
    if (!slash)
        return false;
    *slash = '\0';
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        snprintf(path, path_len, "%s/%s", exe, places[i]);
        if (!stat(path, &found) && S_ISDIR(found.st_mode))
            return true;
    }
    return false;
}

struct sl_profiles sl_profiles_view(const struct sl_profile_store *store)
{
    return (struct sl_profiles){ store->profile, store->cnt };
}

void sl_profiles_fini(struct sl_profile_store *store)
{
    for (uint32_t i = 0; i < store->cnt; i++)
        free(store->mem[i]);
    store->cnt = 0;
}
