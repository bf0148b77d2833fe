#include "pipeline/numbered.h"

#include "pipeline/config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define QUEUE        65536u /* packets of a line that wait for their time; a power of two */
#define PLACES       1048576u /* messages that are remembered at most; a power of two */
#define PACKET_MAX   (64u * 1024u)
#define DATAGRAM_MAX 65507u
#define ANSWER_MAX   1400u
#define ANSWER_CNT   1000u /* messages for one request */
#define HEARTBEAT_NS 100000000ll
#define FAREWELLS    3u /* the end of a session may be lost like anything else */
#define FAREWELL_NS  20000000ll
#define REQUESTS     16u /* in one poll */

/* ---- what happens to packets ---- */

static uint64_t roll(uint64_t *random)
{
    /* SplitMix64. */
    uint64_t z = *random += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static bool happens(uint64_t *random, uint32_t ppm) { return roll(random) % 1000000 < ppm; }

/* ---- messages that are kept ---- */

static void keep(struct sl_numbered *numbered, const uint8_t *data, uint32_t len)
{
    uint64_t at = numbered->kept_end, left = SL_NUMBERED_KEEP - at % SL_NUMBERED_KEEP;
    if (left < 4 + (uint64_t)len)
        at += left;
    uint8_t *to = numbered->kept + at % SL_NUMBERED_KEEP;
    memcpy(to, &len, 4);
    memcpy(to + 4, data, len);
    numbered->places[numbered->next % PLACES] = at;
    numbered->kept_end = at + 4 + len;
    numbered->next++;
}

/* NULL: it is too old, or has never been. */
static const uint8_t *find_kept(const struct sl_numbered *numbered, uint64_t seq, uint32_t *len)
{
    if (!seq || seq >= numbered->next || numbered->next - seq > PLACES)
        return NULL;
    uint64_t at = numbered->places[seq % PLACES];
    if (numbered->kept_end - at > SL_NUMBERED_KEEP - 4 - DATAGRAM_MAX)
        return NULL;
    const uint8_t *from = numbered->kept + at % SL_NUMBERED_KEEP;
    memcpy(len, from, 4);
    return from + 4;
}

static void put_header(const struct sl_numbered *numbered, uint8_t *packet, uint64_t first, uint32_t cnt)
{
    struct sl_mold header = { .seq = first, .cnt = (uint16_t)cnt };
    memset(header.session, ' ', sizeof(header.session));
    memcpy(header.session, numbered->config.session, strlen(numbered->config.session));
    sl_mold_write(packet, &header);
}

/* Messages from first on into a packet, as many as there are and fit into max, but one at least.  *cnt: how many. */
static uint32_t write_packet(const struct sl_numbered *numbered, uint64_t first, uint32_t *cnt, uint32_t max)
{
    uint32_t len = SL_MOLD_HEADER_LEN, done = 0, message_len = 0;
    for (; done < *cnt; done++) {
        const uint8_t *message = find_kept(numbered, first + done, &message_len);
        if (!message || (done && len + 2 + message_len > max))
            break;
        numbered->packet[len] = (uint8_t)(message_len >> 8);
        numbered->packet[len + 1] = (uint8_t)message_len;
        memcpy(numbered->packet + len + 2, message, message_len);
        len += 2 + message_len;
    }
    *cnt = done;
    put_header(numbered, numbered->packet, first, done);
    return len;
}

/* ---- lines ---- */

static void enqueue(struct sl_numbered_line *line, const struct sl_numbered_packet *packet)
{
    if (line->head - line->tail == QUEUE)
        line->lost++; /* so many wait for their time that this one has none */
    else
        line->queue[line->head++ % QUEUE] = *packet;
}

static void let_go_held(struct sl_numbered_line *line, int64_t due_ns)
{
    struct sl_numbered_packet held = line->held;
    line->held.cnt = 0;
    held.due_ns = due_ns;
    if (held.cnt)
        enqueue(line, &held);
}

/* Whether it is lost, doubled or swapped is rolled for each packet and line, whatever came of it before: so that one
 * share does not change what another does. */
static void decide(struct sl_numbered *numbered, struct sl_numbered_line *line, struct sl_numbered_packet packet,
                   bool lost_on_all)
{
    const struct sl_numbered_config *config = &numbered->config;
    bool lost = happens(&line->random, config->lost_ppm) || lost_on_all;
    bool twice = happens(&line->random, config->twice_ppm), swapped = happens(&line->random, config->swapped_ppm);
    packet.due_ns += config->skew_ns * (line - numbered->lines);
    if (lost) {
        line->lost++;
    } else if (swapped && !line->held.cnt) {
        line->swapped++;
        line->held = packet;
        return;
    } else {
        enqueue(line, &packet);
        line->twice += twice;
        if (twice)
            enqueue(line, &packet);
    }
    let_go_held(line, packet.due_ns);
}

void sl_numbered_close(struct sl_numbered *numbered)
{
    struct sl_numbered_packet packet = { numbered->open_first, numbered->open_cnt, numbered->open_due_ns };
    if (!packet.cnt)
        return;
    numbered->open_cnt = 0;
    bool lost_on_all = happens(&numbered->random, numbered->config.lost_on_all_ppm);
    for (uint32_t i = 0; i < numbered->line_cnt; i++)
        decide(numbered, &numbered->lines[i], packet, lost_on_all);
}

static int send_on(struct sl_numbered_line *line, const uint8_t *data, uint32_t len)
{
    line->sent++;
    return sl_outlet_send(line->outlet, data, len);
}

/* What no line has had yet is said to be next: a packet that still waits is not announced before it goes. */
static int send_to_all(struct sl_numbered *numbered, uint32_t cnt)
{
    uint8_t packet[SL_MOLD_HEADER_LEN];
    int rc = 0;
    put_header(numbered, packet, numbered->open_cnt ? numbered->open_first : numbered->next, cnt);
    for (uint32_t i = 0; !rc && i < numbered->line_cnt; i++)
        rc = send_on(&numbered->lines[i], packet, sizeof(packet));
    return rc;
}

static bool waits(const struct sl_numbered *numbered)
{
    for (uint32_t i = 0; i < numbered->line_cnt; i++)
        if (numbered->lines[i].head != numbered->lines[i].tail)
            return true;
    return false;
}

/* ---- who asks again ---- */

static int open_server(struct sl_numbered *numbered, char *err, size_t err_len)
{
    struct sl_line_config line;
    char url[128];
    numbered->server_fd = -1;
    if (!numbered->config.server)
        return 0;
    snprintf(url, sizeof(url), "udp://%s", numbered->config.server);
    int rc = sl_config_line(&line, url, err, err_len);
    if (rc)
        return rc;
    numbered->server_fd = socket(line.addr.ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (numbered->server_fd >= 0 && !bind(numbered->server_fd, (struct sockaddr *)&line.addr, line.addr_len))
        return 0;
    rc = -errno;
    snprintf(err, err_len, "%s: %s", numbered->config.server, strerror(-rc));
    return rc;
}

static void answer(struct sl_numbered *numbered, const struct sl_mold *request, const struct sockaddr_storage *to,
                   socklen_t to_len)
{
    uint32_t left = request->cnt < ANSWER_CNT ? request->cnt : ANSWER_CNT;
    uint64_t seq = request->seq;
    while (left) {
        uint32_t cnt = left, len = write_packet(numbered, seq, &cnt, ANSWER_MAX);
        if (!cnt)
            return;
        if (sendto(numbered->server_fd, numbered->packet, len, 0, (const struct sockaddr *)to, to_len) < 0)
            return; /* it will be asked for again */
        numbered->answered += cnt;
        seq += cnt;
        left -= cnt;
    }
}

static void serve(struct sl_numbered *numbered)
{
    uint8_t data[SL_MOLD_HEADER_LEN + 1], own[SL_MOLD_HEADER_LEN];
    for (uint32_t i = 0; numbered->server_fd >= 0 && i < REQUESTS; i++) {
        struct sockaddr_storage from;
        socklen_t from_len = sizeof(from);
        struct sl_mold request;
        ssize_t len = recvfrom(numbered->server_fd, data, sizeof(data), 0, (struct sockaddr *)&from, &from_len);
        if (len < 0)
            return;
        put_header(numbered, own, 0, 0);
        if (len != SL_MOLD_HEADER_LEN || !sl_mold_read(&request, data, (uint32_t)len) ||
            memcmp(request.session, own, SL_MOLD_SESSION_LEN))
            continue;
        numbered->asked++;
        answer(numbered, &request, &from, from_len);
    }
}

/* ---- the course ---- */

int sl_numbered_add(struct sl_numbered *numbered, const uint8_t *data, uint32_t len, int64_t due_ns)
{
    if (len > DATAGRAM_MAX - SL_MOLD_HEADER_LEN - 2)
        return -EMSGSIZE;
    bool fits = numbered->open_cnt < numbered->config.pack && numbered->open_due_ns == due_ns &&
                numbered->open_len + 2 + len <= numbered->config.packet_max;
    if (numbered->open_cnt && !fits)
        sl_numbered_close(numbered);
    if (!numbered->open_cnt) {
        numbered->open_first = numbered->next;
        numbered->open_len = SL_MOLD_HEADER_LEN;
        numbered->open_due_ns = due_ns;
    }
    keep(numbered, data, len);
    numbered->open_cnt++;
    numbered->open_len += 2 + len;
    return 0;
}

static int send_due(struct sl_numbered *numbered, struct sl_numbered_line *line, int64_t now_ns)
{
    int rc = 0;
    while (!rc && line->tail != line->head && line->queue[line->tail % QUEUE].due_ns <= now_ns) {
        struct sl_numbered_packet packet = line->queue[line->tail++ % QUEUE];
        uint32_t len = write_packet(numbered, packet.first, &packet.cnt, PACKET_MAX);
        if (packet.cnt)
            rc = send_on(line, numbered->packet, len);
        numbered->heartbeat_ns = now_ns + HEARTBEAT_NS;
    }
    return rc;
}

/* When lines are silent: so that the last message before it is missed, if it was lost. */
static int say_where_we_are(struct sl_numbered *numbered, int64_t now_ns)
{
    bool ends = numbered->end_ns && numbered->farewells < FAREWELLS;
    for (uint32_t i = 0; now_ns >= numbered->heartbeat_ns && i < numbered->line_cnt; i++)
        let_go_held(&numbered->lines[i], now_ns);
    if (now_ns < numbered->heartbeat_ns || waits(numbered) || (numbered->end_ns && !ends))
        return 0;
    numbered->farewells += ends;
    numbered->heartbeat_ns = now_ns + (ends ? FAREWELL_NS : HEARTBEAT_NS);
    return send_to_all(numbered, ends ? SL_MOLD_END : SL_MOLD_HEARTBEAT);
}

int sl_numbered_poll(struct sl_numbered *numbered, int64_t now_ns)
{
    int rc = 0;
    for (uint32_t i = 0; !rc && i < numbered->line_cnt; i++)
        rc = send_due(numbered, &numbered->lines[i], now_ns);
    serve(numbered);
    return rc ? rc : say_where_we_are(numbered, now_ns);
}

int64_t sl_numbered_due_ns(const struct sl_numbered *numbered)
{
    int64_t due_ns = numbered->heartbeat_ns;
    for (uint32_t i = 0; i < numbered->line_cnt; i++) {
        const struct sl_numbered_line *line = &numbered->lines[i];
        if (line->head != line->tail && line->queue[line->tail % QUEUE].due_ns < due_ns)
            due_ns = line->queue[line->tail % QUEUE].due_ns;
    }
    return due_ns;
}

void sl_numbered_end(struct sl_numbered *numbered, int64_t now_ns)
{
    sl_numbered_close(numbered);
    numbered->end_ns = now_ns;
    numbered->heartbeat_ns = now_ns;
}

bool sl_numbered_done(const struct sl_numbered *numbered, int64_t now_ns)
{
    return numbered->end_ns && !waits(numbered) && numbered->farewells == FAREWELLS &&
           (numbered->server_fd < 0 || now_ns - numbered->heartbeat_ns > numbered->config.linger_ns);
}

int sl_numbered_init(struct sl_numbered *numbered, const struct sl_numbered_config *config, struct sl_outlet *outlets,
                     uint32_t outlet_cnt, char *err, size_t err_len)
{
    *numbered = (struct sl_numbered){ .config = *config, .next = 1, .random = config->seed, .line_cnt = outlet_cnt };
    int rc = open_server(numbered, err, err_len);
    numbered->kept = malloc(SL_NUMBERED_KEEP);
    numbered->places = calloc(PLACES, sizeof(*numbered->places));
    numbered->packet = malloc(2 * PACKET_MAX);
    bool memory = numbered->kept && numbered->places && numbered->packet;
    for (uint32_t i = 0; i < outlet_cnt; i++) {
        struct sl_numbered_line *line = &numbered->lines[i];
        line->outlet = &outlets[i];
        line->queue = calloc(QUEUE, sizeof(*line->queue));
        memory = memory && line->queue;
        line->random = config->seed * 0x9e3779b97f4a7c15u + i + 1;
    }
    if (!rc && !memory) {
        snprintf(err, err_len, "%s", strerror(ENOMEM));
        rc = -ENOMEM;
    }
    if (rc)
        sl_numbered_fini(numbered);
    return rc;
}

void sl_numbered_fini(struct sl_numbered *numbered)
{
    if (numbered->server_fd >= 0)
        close(numbered->server_fd);
    for (uint32_t i = 0; i < numbered->line_cnt; i++)
        free(numbered->lines[i].queue);
    free(numbered->packet);
    free(numbered->places);
    free(numbered->kept);
}
