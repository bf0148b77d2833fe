#include "bench/wires.h"
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "pipeline/gen.h"

#define LEN_MIN 2048u
#define LEN_MAX 8192u
#define SEED    7901u
#define NUMBER  "@@"
#define DUE_NS  1767607200000000000 /* 5 January 2026, 10:00 UTC */

/* ---- frames, with NUMBER where the document's own goes ---- */

static const char zczc_head[] = "ZCZC AAP\r\n%A\r\n#Harbour@@\r\n$Harbour talks go on\r\n:(MILLBRIDGE)\r\n"
                                "&DESK\\Brandti\r\n*11000000\r\n@OST\r\n",
                  zczc_tail[] = "\r\n\r\nAAP RTV\r\nNNNN\r\n";
static const char wmo_head[] = "\x01\r\r\n@@ \r\r\nFXXN63 KXHC 051744\r\r\nAFDXHC\r\r\n\r\r\n"
                               "Area Forecast Discussion\r\r\nNational Weather Service Port Example XN\r\r\n"
                               "1145 AM EST Mon Jan 5 2026\r\r\n\r\r\n",
                  wmo_tail[] = "\r\r\n\r\r\n$$\r\r\n\r\r\nForecaster Muster\r\r\n\x03";
static const char newsmlg2_head[] =
    "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>\n"
    "<newsItem xmlns=\"http://iptc.org/std/nar/2006-10-01/\" standard=\"NewsML-G2\" standardversion=\"2.32\" "
    "guid=\"urn:newsml:slg.example:20260105:@@\" version=\"1\" xml:lang=\"en\">\n<itemMeta>\n"
    "<itemClass qcode=\"ninat:text\"/>\n<provider literal=\"slg\"/>\n"
    "<versionCreated>2026-01-05T10:00:00Z</versionCreated>\n<pubStatus qcode=\"stat:usable\"/>\n</itemMeta>\n"
    "<contentMeta>\n<urgency>4</urgency>\n<subject type=\"cpnat:abstract\" qcode=\"medtop:04000000\">\n"
    "<name>economy, business and finance</name>\n</subject>\n<headline>Harbour talks go on</headline>\n"
    "</contentMeta>\n<contentSet>\n<inlineXML contenttype=\"application/nitf+xml\">"
    "<nitf xmlns=\"http://iptc.org/std/NITF/2006-10-18/\">",
                  newsmlg2_tail[] = "</nitf></inlineXML>\n</contentSet>\n</newsItem>\n";
static const char newsml1_head[] =
    "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>\n<NewsML Version=\"1.2\">\n<NewsEnvelope>\n"
    "<DateAndTime>20260105T100000Z</DateAndTime>\n<Priority FormalName=\"4\"/>\n</NewsEnvelope>\n<NewsItem>\n"
    "<Identification>\n<NewsIdentifier>\n<ProviderId>slg.example</ProviderId>\n<DateId>20260105</DateId>\n"
    "<NewsItemId>@@</NewsItemId>\n<RevisionId PreviousRevision=\"0\" Update=\"N\">1</RevisionId>\n"
    "<PublicIdentifier>urn:newsml:slg.example:20260105:x:1</PublicIdentifier>\n</NewsIdentifier>\n"
    "</Identification>\n<NewsManagement>\n<NewsItemType FormalName=\"News\"/>\n"
    "<FirstCreated>20260105T100000Z</FirstCreated>\n<ThisRevisionCreated>20260105T100000Z</ThisRevisionCreated>\n"
    "<Status FormalName=\"Usable\"/>\n<Urgency FormalName=\"4\"/>\n</NewsManagement>\n<NewsComponent>\n"
    "<NewsLines>\n<HeadLine>Harbour talks go on</HeadLine>\n</NewsLines>\n<ContentItem>\n"
    "<Format FormalName=\"NITF\"/>\n<DataContent><nitf>",
                  newsml1_tail[] = "</nitf></DataContent>\n</ContentItem>\n</NewsComponent>\n</NewsItem>\n</NewsML>\n";

static const struct wire {
    const char *name;
    unsigned gen; /* the format that gen writes */
    const char *begin, *end; /* its stretch between these goes between head and tail; NULL: all of it */
    const char *head, *tail;
} wires[] = {
    {"iptc7901",  SL_FORMAT_IPTC7901, NULL,     NULL,      "",            ""           },
    { "anpa1312", SL_FORMAT_ANPA1312, NULL,     NULL,      "",            ""           },
    { "nitf",     SL_FORMAT_NITF,     NULL,     NULL,      "",            ""           },
    { "zczc",     SL_FORMAT_IPTC7901, "=\r\n",  "\r\n# ",  zczc_head,     zczc_tail    },
    { "wmo",      SL_FORMAT_IPTC7901, "=\r\n",  "\r\n# ",  wmo_head,      wmo_tail     },
    { "newsmlg2", SL_FORMAT_NITF,     "<nitf>", "</nitf>", newsmlg2_head, newsmlg2_tail},
    { "newsml1",  SL_FORMAT_NITF,     "<nitf>", "</nitf>", newsml1_head,  newsml1_tail },
};

static int write_document(const struct wire *wire, const char *path, unsigned number, struct sl_gen *gen)
{
    static uint8_t message[2 * LEN_MAX];
    uint32_t len;
    enum sl_lane lane;
    int rc = sl_gen_message(gen, message, sizeof message - 1, DUE_NS, &len, &lane);
    if (rc < 0)
        return rc;
    message[len] = '\0';
    const char *from = (const char *)message, *to = from + len;
    if (wire->begin) {
        from = strstr(from, wire->begin);
        to = from ? strstr(from, wire->end) : NULL;
        if (!to)
            return -EPROTO;
        from += strlen(wire->begin);
    }
    FILE *file = fopen(path, "wb");
    if (!file)
        return -errno;
    const char *mark = strstr(wire->head, NUMBER);
    if (mark)
        fprintf(file, "%.*s%03u%s", (int)(mark - wire->head), wire->head, number, mark + sizeof NUMBER - 1);
    fwrite(from, 1, (size_t)(to - from), file);
    fputs(wire->tail, file);
    return fclose(file) == 0 ? 0 : -errno;
}

static int write_format(const struct wire *wire, const char *folder)
{
    static struct sl_gen gen;
    char path[4096];
    struct sl_gen_shape shape = { .format = wire->gen, .size_min = LEN_MIN, .size_max = LEN_MAX };
    int rc = sl_gen_init(&gen, SEED, &shape);
    snprintf(path, sizeof path, "%s/%s", folder, wire->name);
    if (rc == 0 && mkdir(path, 0700) != 0)
        rc = -errno;
    for (unsigned i = 0; rc == 0 && i < BENCH_WIRES_EACH; i++) {
        snprintf(path, sizeof path, "%s/%s/%02u.wire", folder, wire->name, i);
        rc = write_document(wire, path, i, &gen);
    }
    return rc;
}

int bench_wires_write(char *folder)
{
    int rc = mkdtemp(folder) ? 0 : -errno;
    for (size_t i = 0; rc == 0 && i < sizeof wires / sizeof *wires; i++)
        rc = write_format(&wires[i], folder);
    return rc;
}

static int remove_one(const char *path, const struct stat *stat, int type, struct FTW *where)
{
    (void)stat;
    (void)type;
    (void)where;
    return remove(path);
}

void bench_wires_remove(const char *folder) { nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS); }
