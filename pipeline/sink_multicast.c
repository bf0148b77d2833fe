#include "pipeline/sink.h"

#include "pipeline/sink_doc.h"
#include "pipeline/sink_frame.h"
#include "pipeline/sink_numbers.h"

#include <errno.h>
#include <inttypes.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* MoldUDP64 to a group, and unicast to who asks again.
 *
 *     queue -> number, from the book of numbers -> packets -> sendmmsg, equal ones as segments of one -> group
 *     request -> in the queue still: at once; else by its place from the tape or the journal, in steps -> who asks
 *
 * What has been handed to the kernel has arrived, as far as a sender of datagrams can know.  The queue keeps what was
 * sent last, for those who ask.  A message is a datagram's at most; of longer bulletins the text is cut, and a note
 * says so. */
#define MESSAGE_MAX   65485u /* 65,507 bytes of a datagram over IPv4, less header and length */
#define PACKETS       64u
#define PIECES        512u
#define SEGMENTS_MAX  64u /* UDP_MAX_SEGMENTS of older kernels */
#define SEGMENTED_MAX 65000u
#define UDP_HEAD      48u /* of IPv6; IPv4 has 28 */
#define SNDBUF        (4u << 20)
#define BURST_NS      50000000ll /* what of a rate may go at once */
#define FAREWELLS     3u
#define FAREWELL_NS   20000000ll
#define LINGER_NS     (SL_TIME_NS / 2) /* how long requests are answered behind the end of a session */
#define NOBUFS_NS     1000000ll
#define REQUESTS      64u /* in one turn */
#define ANSWER_CNT    1000u /* messages for one request */
#define WISHES        16u /* that wait for the journal */
#define STEPS         256u
#define LATE_MAX      (1u << 18) /* records that are read for one request */
#define LATE_AHEAD    4096u /* numbers that are read over rather than opening another reader */
#define LATE_KEEP_NS  SL_TIME_NS
#define OPEN_COST     65536 /* of the answers' rate: so that a flood does not open readers all day */

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103 /* since Linux 4.18 */
#endif

struct numbered { /* the head of an item */
    uint64_t number; /* 0: none yet.  Of one that is not sent: the last before it */
    uint64_t is_silent;
};

struct packet {
    uint32_t piece, piece_cnt, len, item_cnt;
    uint64_t end; /* the number behind its last message */
    uint8_t head[SL_MOLD_HEADER_LEN];
};

struct bucket {
    uint64_t per_s;
    int64_t level, at_ns;
};

struct wish {
    struct sockaddr_storage to;
    socklen_t to_len;
    uint64_t number;
    uint32_t left;
};

struct farewell {
    struct sl_mold header;
    unsigned left;
    int64_t due_ns;
};

struct multicast {
    int fd, ask_fd;
    struct sl_numbers numbers;
    bool segments; /* the kernel cuts for us */
    bool watches; /* for room in the socket */
    uint32_t mtu;
    uint64_t next; /* the number behind the last that was sent */
    int64_t beat_ns;
    struct bucket out, answers;
    struct farewell farewell;
    bool has_ended;
    int64_t linger_ns;
    /* a batch */
    struct packet packets[PACKETS];
    uint32_t packet_cnt, piece_cnt;
    struct iovec pieces[PIECES];
    uint8_t lens[PIECES][2];
    struct mmsghdr groups[PACKETS];
    uint32_t group_packets[PACKETS];
    union {
        char bytes[CMSG_SPACE(sizeof(uint16_t))];
        struct cmsghdr align;
    } controls[PACKETS];
    /* who asks for what the queue does not have any more */
    struct wish wishes[WISHES];
    uint32_t wish_cnt, late_cnt;
    struct sl_reader *late; /* kept for a while: who has lost one has lost more */
    uint64_t late_at; /* the number that it comes to next */
    int64_t late_until_ns;
    uint8_t *answer;
};

/* ---- life ---- */

static void set(int fd, int level, int option, int value) { setsockopt(fd, level, option, &value, sizeof(value)); }

static int open_group(const struct sl_config_sink *wants, struct multicast *cast)
{
    const struct sl_line_config *line = &wants->group_line;
    struct ifreq request = { 0 };
    int idx = (int)if_nametoindex(line->interface);
    int fd = cast->fd = socket(line->addr.ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || !idx)
        return idx ? -errno : -ENODEV;
    if (line->addr.ss_family == AF_INET6) {
        set(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, (int)wants->ttl);
        set(fd, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 1);
        if (setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, &idx, sizeof(idx)))
            return -errno;
    } else {
        struct ip_mreqn from = { .imr_ifindex = idx };
        set(fd, IPPROTO_IP, IP_MULTICAST_TTL, (int)wants->ttl);
        set(fd, IPPROTO_IP, IP_MULTICAST_LOOP, 1);
        if (setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &from, sizeof(from)))
            return -errno;
    }
    set(fd, SOL_SOCKET, SO_SNDBUF, SNDBUF);
    memcpy(request.ifr_name, line->interface, sizeof(line->interface));
    cast->mtu = ioctl(fd, SIOCGIFMTU, &request) ? 1500 : (uint32_t)request.ifr_mtu;
    return connect(fd, (const struct sockaddr *)&line->addr, line->addr_len) ? -errno : 0;
}

static int open_requests(struct sl_sink *sink, struct multicast *cast)
{
    const struct sl_line_config *line = &sink->wants->request_line;
    if (!sink->wants->requests)
        return 0;
    cast->ask_fd = socket(line->addr.ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (cast->ask_fd < 0 || bind(cast->ask_fd, (const struct sockaddr *)&line->addr, line->addr_len))
        return -errno;
    set(cast->ask_fd, SOL_SOCKET, SO_SNDBUF, SNDBUF);
    return sl_sink_watch(sink, cast->ask_fd, EPOLLIN);
}

/* What the bytes of a message depend on, its place apart. */
static uint64_t use_of(const struct sl_config_sink *wants)
{
    uint64_t hash = 0xcbf29ce484222325ull ^ wants->shape; /* FNV-1a */
    for (const char *version = sl_reader_version(); *version; version++)
        hash = (hash ^ (uint8_t)*version) * 0x100000001b3ull;
    return hash;
}

static int open_numbers(struct sl_sink *sink, struct multicast *cast)
{
    char path[sizeof(sink->place_path)];
    struct sl_mold *ended = &cast->farewell.header;
    snprintf(path, sizeof(path), "%s/%s.numbers", sink->wants->state, sink->wants->name);
    int rc = sl_numbers_open(&cast->numbers, path, sink->wants->session, use_of(sink->wants), &sink->saved,
                             sl_clock_real(NULL), ended);
    if (rc) {
        sl_sink_fault(sink, "%s: %s", path, rc == -EBUSY ? "another process has it" : strerror(-rc));
        return rc;
    }
    ended->cnt = SL_MOLD_END;
    cast->farewell.left = ended->session[0] ? FAREWELLS : 0;
    cast->next = sl_numbers_last(&cast->numbers) + 1;
    return 0;
}

static int init(struct sl_sink *sink)
{
    const struct sl_config_sink *wants = sink->wants;
    struct multicast *cast = sink->own = calloc(1, sizeof(*cast));
    if (!cast)
        return -ENOMEM;
    cast->fd = cast->ask_fd = -1;
    cast->segments = true;
    cast->out.per_s = wants->rate;
    cast->answers.per_s = wants->rate / 4;
    cast->answer = malloc(2ull * MESSAGE_MAX);
    if (!cast->answer)
        return -ENOMEM;
    int rc = open_group(wants, cast);
    if (rc) {
        sl_sink_fault(sink, "%s: %s", wants->group, strerror(-rc));
        return rc;
    }
    rc = open_requests(sink, cast);
    if (rc) {
        sl_sink_fault(sink, "requests: %s: %s", wants->requests, strerror(-rc));
        return rc;
    }
    return open_numbers(sink, cast);
}

static void fini(struct sl_sink *sink)
{
    struct multicast *cast = sink->own;
    if (!cast)
        return;
    if (cast->has_ended)
        sl_numbers_begin(&cast->numbers, sink->wants->session, sl_clock_real(NULL));
    sl_numbers_close(&cast->numbers);
    sl_reader_close(cast->late);
    if (cast->fd >= 0)
        close(cast->fd);
    if (cast->ask_fd >= 0)
        close(cast->ask_fd);
    free(cast->answer);
    free(cast);
}

/* ---- messages ---- */

static size_t write_shape(const struct sl_sink *sink, char *buf, size_t cap, const struct sl_event *event)
{
    switch (sink->wants->shape) {
    case SL_SINK_NITF:
        return sl_sink_nitf(buf, cap, event);
    case SL_SINK_TEXT:
        return sl_sink_text(buf, cap, event);
    case SL_SINK_BINARY:
        return sl_sink_frame_write(buf, cap, event);
    case SL_SINK_NINJS:
        break;
    }
    return sl_event_json(buf, cap, event);
}

/* The end of the last paragraph, or else character, in so many bytes. */
static uint32_t find_cut(struct sl_slice body, uint32_t len)
{
    uint32_t at = len;
    while (at && !(at + 1 < body.len && body.data[at] == '\n' && body.data[at + 1] == '\n'))
        at--;
    if (at)
        return at;
    while (len && ((uint8_t)body.data[len] & 0xc0) == 0x80)
        len--;
    return len;
}

/* The same bulletin with so much less text that it fits, and a note that says so behind its own; the copy is the
 * caller's.  NULL: it does not fit all the same. */
static struct sl_bulletin *shorten(const struct sl_sink *sink, const struct sl_event *event)
{
    const struct sl_bulletin *bulletin = event->bulletin;
    struct sl_slice body = sl_bulletin_text(bulletin, SL_TEXT_BODY), note = sl_bulletin_text(bulletin, SL_TEXT_EDNOTE);
    struct sl_bulletin *copy = malloc((size_t)bulletin->len + note.len + 128);
    if (!copy)
        return NULL;
    memcpy(copy, bulletin, bulletin->len);
    char *added = (char *)copy + bulletin->len;
    memcpy(added, note.data, note.len);
    int len = snprintf(added + note.len, 128, "%sText cut: all %u bytes of it do not fit into a datagram.",
                       note.len ? "\n" : "", body.len);
    copy->text[SL_TEXT_EDNOTE].off = bulletin->len;
    copy->text[SL_TEXT_EDNOTE].len = note.len + (uint32_t)len;
    copy->text[SL_TEXT_BODY_HTML].len = 0;
    struct sl_event shorter = *event;
    shorter.bulletin = copy;
    size_t over = write_shape(sink, NULL, 0, &shorter);
    over = over > MESSAGE_MAX ? over - MESSAGE_MAX : 0; /* each byte of text is one of the message at least */
    copy->text[SL_TEXT_BODY].len = over < body.len ? find_cut(body, body.len - (uint32_t)over) : 0;
    if (write_shape(sink, NULL, 0, &shorter) <= MESSAGE_MAX)
        return copy;
    free(copy);
    return NULL;
}

/* Always the same bytes for the same record: when it was read is no part of them.  0: it is too long. */
static size_t write_message(const struct sl_sink *sink, char *buf, size_t cap, const struct sl_event *read_event)
{
    struct sl_event event = *read_event;
    event.stamps.read_ns = 0;
    size_t len = write_shape(sink, buf, cap, &event);
    if (len <= MESSAGE_MAX)
        return len;
    struct sl_bulletin *shorter = sink->wants->shape == SL_SINK_BINARY ? NULL : shorten(sink, &event);
    if (!shorter)
        return 0;
    event.bulletin = shorter;
    len = write_shape(sink, buf, cap, &event);
    free(shorter);
    return len;
}

static size_t write_item(struct sl_sink *sink, char *buf, size_t cap, const struct sl_event *event, size_t *head_len)
{
    *head_len = sizeof(struct numbered);
    if (cap >= *head_len)
        memset(buf, 0, *head_len);
    size_t room = cap > *head_len ? cap - *head_len : 0;
    return *head_len + write_message(sink, room ? buf + *head_len : NULL, room, event);
}

static struct numbered *number_of(struct sl_sink_item *item) { return (struct numbered *)(void *)item->bytes; }

static void number_item(struct sl_sink *sink, struct sl_sink_item *item)
{
    struct multicast *cast = sink->own;
    struct numbered *numbered = number_of(item);
    bool is_old = false;
    if (numbered->number || numbered->is_silent)
        return;
    if (item->body_len) {
        numbered->number = sl_numbers_give(&cast->numbers, (struct sl_bookmark){ item->epoch, item->seq }, &is_old);
        item->was_sent = is_old;
    } else {
        sink->account.refused++;
        sl_sink_fault(sink, "bulletin %" PRIu64 " does not fit into a datagram", item->seq);
    }
    numbered->is_silent = !numbered->number;
    if (numbered->is_silent)
        numbered->number = cast->numbers.again;
}

/* The item of this number; UINT64_MAX: the queue does not have it. */
static uint64_t find_item(const struct sl_sink *sink, uint64_t number)
{
    uint64_t low = sink->queue.first, high = sink->queue.next;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (number_of(sl_sink_queue_at(&sink->queue, middle))->number < number)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < sink->queue.next; low++) {
        const struct numbered *numbered = number_of(sl_sink_queue_at(&sink->queue, low));
        if (numbered->number > number)
            break;
        if (!numbered->is_silent)
            return low;
    }
    return UINT64_MAX;
}

/* ---- rates ---- */

static int64_t burst_of(const struct bucket *bucket)
{
    int64_t burst = (int64_t)(bucket->per_s / (uint64_t)(SL_TIME_NS / BURST_NS));
    return burst > 2 * (int64_t)MESSAGE_MAX ? burst : 2 * (int64_t)MESSAGE_MAX;
}

static void fill_bucket(struct bucket *bucket, int64_t now_ns)
{
    int64_t since_ns = now_ns - bucket->at_ns, burst = burst_of(bucket);
    bucket->at_ns = now_ns;
    if (since_ns > SL_TIME_NS)
        since_ns = SL_TIME_NS;
    bucket->level += (int64_t)((double)since_ns * (double)bucket->per_s / 1e9);
    if (bucket->level > burst)
        bucket->level = burst;
}

/* ---- to the group ---- */

static void put_header(const struct multicast *cast, uint8_t *to, uint64_t first, uint32_t cnt)
{
    struct sl_mold header = { .seq = first, .cnt = (uint16_t)cnt };
    memcpy(header.session, sl_numbers_session(&cast->numbers), sizeof(header.session));
    sl_mold_write(to, &header);
}

static void put_piece(struct multicast *cast, struct packet *packet, void *data, uint32_t len)
{
    cast->pieces[cast->piece_cnt++] = (struct iovec){ data, len };
    packet->piece_cnt++;
    packet->len += len;
}

static void put_message(struct multicast *cast, struct packet *packet, struct sl_sink_item *item)
{
    uint8_t *len = cast->lens[cast->piece_cnt];
    len[0] = (uint8_t)(item->body_len >> 8);
    len[1] = (uint8_t)item->body_len;
    put_piece(cast, packet, len, 2);
    put_piece(cast, packet, (void *)(uintptr_t)sl_sink_item_body(item), item->body_len);
    packet->end = number_of(item)->number + 1;
}

/* The packet that begins at item *idx, which is moved behind it. */
static void make_packet(struct sl_sink *sink, struct packet *packet, uint64_t *idx)
{
    struct multicast *cast = sink->own;
    uint64_t first = 0;
    *packet = (struct packet){ .piece = cast->piece_cnt };
    put_piece(cast, packet, packet->head, SL_MOLD_HEADER_LEN);
    for (; *idx < sink->queue.head && cast->piece_cnt + 2 <= PIECES; ++*idx) {
        struct sl_sink_item *item = sl_sink_queue_at(&sink->queue, *idx);
        number_item(sink, item);
        const struct numbered *numbered = number_of(item);
        if (!numbered->is_silent) {
            bool fits = packet->len + 2 + item->body_len <= sink->wants->packet_len;
            if (first && (!fits || numbered->number != packet->end))
                break;
            first = first ? first : numbered->number;
            put_message(cast, packet, item);
        }
        packet->item_cnt++;
    }
    put_header(cast, packet->head, first, first ? (uint32_t)(packet->end - first) : 0);
    if (!first)
        cast->piece_cnt = packet->piece; /* nothing of it is to be said */
    packet->len = first ? packet->len : 0;
}

static void make_packets(struct sl_sink *sink)
{
    struct multicast *cast = sink->own;
    uint64_t idx = sink->queue.next;
    int64_t left = cast->out.level;
    cast->packet_cnt = cast->piece_cnt = 0;
    while (idx < sink->queue.head && cast->packet_cnt < PACKETS && cast->piece_cnt + 3 <= PIECES && left > 0) {
        struct packet *packet = &cast->packets[cast->packet_cnt++];
        make_packet(sink, packet, &idx);
        left -= packet->len;
    }
}

/* Packets of one length, the last perhaps shorter, are one datagram to the kernel until it has to cut it. */
static uint32_t count_segments(const struct multicast *cast, uint32_t from)
{
    uint32_t len = cast->packets[from].len, sum = len, cnt = 1;
    if (!cast->segments || len + UDP_HEAD > cast->mtu)
        return 1;
    for (uint32_t i = from + 1; i < cast->packet_cnt && cnt < SEGMENTS_MAX; i++) {
        uint32_t next = cast->packets[i].len;
        if (!next || next > len || sum + next > SEGMENTED_MAX)
            break;
        sum += next;
        cnt++;
        if (next < len)
            break;
    }
    return cnt;
}

static void say_segment_len(struct multicast *cast, uint32_t group, uint32_t len)
{
    struct msghdr *message = &cast->groups[group].msg_hdr;
    uint16_t segment = (uint16_t)len;
    message->msg_control = cast->controls[group].bytes;
    message->msg_controllen = sizeof(cast->controls[group].bytes);
    struct cmsghdr *control = CMSG_FIRSTHDR(message);
    control->cmsg_level = IPPROTO_UDP;
    control->cmsg_type = UDP_SEGMENT;
    control->cmsg_len = CMSG_LEN(sizeof(segment));
    memcpy(CMSG_DATA(control), &segment, sizeof(segment));
}

/* From packet from on, up to the first that says nothing. */
static uint32_t make_groups(struct multicast *cast, uint32_t from)
{
    uint32_t cnt = 0;
    for (uint32_t i = from; i < cast->packet_cnt && cast->packets[i].len; cnt++) {
        uint32_t segments = count_segments(cast, i);
        const struct packet *last = &cast->packets[i + segments - 1];
        uint32_t pieces = last->piece + last->piece_cnt - cast->packets[i].piece;
        cast->groups[cnt] = (struct mmsghdr){
            .msg_hdr = {.msg_iov = &cast->pieces[cast->packets[i].piece], .msg_iovlen = pieces}
        };
        if (segments > 1)
            say_segment_len(cast, cnt, cast->packets[i].len);
        cast->group_packets[cnt] = segments;
        i += segments;
    }
    return cnt;
}

static void pass_items(struct sl_sink *sink, const struct packet *packet)
{
    struct multicast *cast = sink->own;
    for (uint32_t i = 0; i < packet->item_cnt; i++) {
        if (number_of(sl_sink_queue_next(&sink->queue))->is_silent)
            sl_sink_queue_sent(&sink->queue);
        else
            sl_sink_sent(sink);
    }
    cast->out.level -= packet->len;
    if (packet->len && packet->end > cast->next)
        cast->next = packet->end;
}

/* True: it is another try's turn. */
static bool take_refusal(struct sl_sink *sink, int error, bool was_segmented, int64_t now_ns)
{
    struct multicast *cast = sink->own;
    if (was_segmented && (error == EINVAL || error == EIO || error == EOPNOTSUPP || error == EMSGSIZE)) {
        cast->segments = false;
        return true;
    }
    if (error == EAGAIN) {
        sl_sink_watch(sink, cast->fd, EPOLLOUT);
        cast->watches = true;
        return false;
    }
    if (error != ENOBUFS && error != EINTR)
        sl_sink_fault(sink, "%s: %s", sink->wants->group, strerror(error));
    sl_sink_wake_at(sink, now_ns + (error == ENOBUFS ? NOBUFS_NS : SL_TIME_NS / 5));
    return error == EINTR;
}

static bool send_packets(struct sl_sink *sink, int64_t now_ns)
{
    struct multicast *cast = sink->own;
    for (uint32_t at = 0; at < cast->packet_cnt;) {
        if (!cast->packets[at].len) {
            pass_items(sink, &cast->packets[at++]);
            continue;
        }
        uint32_t cnt = make_groups(cast, at);
        int sent = sendmmsg(cast->fd, cast->groups, cnt, MSG_NOSIGNAL);
        if (sent < 0 && !take_refusal(sink, errno, cast->group_packets[0] > 1, now_ns))
            return at > 0;
        for (int g = 0; g < sent; g++)
            for (uint32_t i = 0; i < cast->group_packets[g]; i++)
                pass_items(sink, &cast->packets[at++]);
    }
    return cast->packet_cnt > 0;
}

static bool send_waiting(struct sl_sink *sink, int64_t now_ns)
{
    struct multicast *cast = sink->own;
    if (sink->queue.next == sink->queue.head)
        return false;
    fill_bucket(&cast->out, now_ns);
    if (cast->out.level <= 0) {
        sl_sink_wake_at(sink, now_ns + BURST_NS / 8);
        return false;
    }
    if (cast->watches)
        sl_sink_watch(sink, cast->fd, 0);
    cast->watches = false;
    make_packets(sink);
    bool did = send_packets(sink, now_ns);
    sl_sink_queue_done(&sink->queue, sink->queue.next);
    if (did)
        cast->beat_ns = now_ns + sink->wants->heartbeat_ns;
    return did;
}

static void send_header(const struct multicast *cast, const struct sl_mold *header)
{
    uint8_t packet[SL_MOLD_HEADER_LEN];
    sl_mold_write(packet, header);
    /* One that is lost here is like one that is lost later. */
    (void)!send(cast->fd, packet, sizeof(packet), MSG_NOSIGNAL);
}

static void say_where_we_are(struct sl_sink *sink, int64_t now_ns)
{
    struct multicast *cast = sink->own;
    struct farewell *farewell = &cast->farewell;
    if (sink->stopping && sink->wants->ends_at_stop && !cast->has_ended && !sl_sink_queue_waiting(&sink->queue)) {
        cast->has_ended = true;
        cast->linger_ns = now_ns + LINGER_NS;
        *farewell = (struct farewell){
            .left = FAREWELLS, .header = {.seq = cast->next, .cnt = SL_MOLD_END}
        };
        memcpy(farewell->header.session, sl_numbers_session(&cast->numbers), SL_MOLD_SESSION_LEN);
    }
    if (farewell->left && now_ns >= farewell->due_ns) {
        send_header(cast, &farewell->header);
        farewell->left--;
        farewell->due_ns = now_ns + FAREWELL_NS;
    }
    if (farewell->left)
        sl_sink_wake_at(sink, farewell->due_ns);
    if (cast->has_ended) {
        sl_sink_wake_at(sink, cast->linger_ns);
        return;
    }
    if (now_ns >= cast->beat_ns) {
        struct sl_mold beat = { .seq = cast->next, .cnt = SL_MOLD_HEARTBEAT };
        memcpy(beat.session, sl_numbers_session(&cast->numbers), SL_MOLD_SESSION_LEN);
        send_header(cast, &beat);
        cast->beat_ns = now_ns + sink->wants->heartbeat_ns;
    }
    sl_sink_wake_at(sink, cast->beat_ns);
}

/* ---- to who asks again ---- */

/* False: the kernel does not take it just now; it will be asked for again. */
static bool send_answer(struct sl_sink *sink, const struct wish *wish, uint64_t first, uint32_t cnt, uint32_t len)
{
    struct multicast *cast = sink->own;
    put_header(cast, cast->answer, first, cnt);
    cast->answers.level -= len;
    if (sendto(cast->ask_fd, cast->answer, len, MSG_NOSIGNAL, (const struct sockaddr *)&wish->to, wish->to_len) < 0)
        return false;
    sink->account.repeated += cnt;
    return true;
}

static uint32_t put_answer(struct multicast *cast, uint32_t at, const void *message, uint32_t len)
{
    cast->answer[at] = (uint8_t)(len >> 8);
    cast->answer[at + 1] = (uint8_t)len;
    memcpy(cast->answer + at + 2, message, len);
    return at + 2 + len;
}

/* What the queue still has of it, packet by packet. */
static void answer_now(struct sl_sink *sink, struct wish *wish)
{
    struct multicast *cast = sink->own;
    uint64_t idx = find_item(sink, wish->number);
    while (wish->left && idx < sink->queue.next && cast->answers.level > 0) {
        uint32_t len = SL_MOLD_HEADER_LEN, cnt = 0;
        for (; cnt < wish->left && idx < sink->queue.next; idx++) {
            struct sl_sink_item *item = sl_sink_queue_at(&sink->queue, idx);
            if (number_of(item)->is_silent)
                continue;
            bool fits = len + 2 + item->body_len <= sink->wants->packet_len;
            if (number_of(item)->number != wish->number + cnt || (cnt && !fits))
                break;
            len = put_answer(cast, len, sl_sink_item_body(item), item->body_len);
            cnt++;
        }
        if (!cnt || !send_answer(sink, wish, wish->number, cnt, len))
            return;
        wish->number += cnt;
        wish->left -= cnt;
    }
}

static bool is_asked_already(const struct multicast *cast, const struct wish *wish)
{
    for (uint32_t i = 0; i < cast->wish_cnt; i++) {
        const struct wish *other = &cast->wishes[i];
        if (other->to_len == wish->to_len && !memcmp(&other->to, &wish->to, wish->to_len) &&
            wish->number >= other->number && wish->number < other->number + other->left)
            return true;
    }
    return false;
}

static void refuse(struct sl_sink *sink, const char *why)
{
    sink->account.refused_peers++;
    sl_sink_fault(sink, "a request was refused: %s", why);
}

static void take_wish(struct sl_sink *sink, struct wish *wish)
{
    struct multicast *cast = sink->own;
    if (cast->answers.level <= 0)
        refuse(sink, "more is asked for than the rate allows");
    else if (find_item(sink, wish->number) != UINT64_MAX)
        answer_now(sink, wish);
    else if (is_asked_already(cast, wish))
        return;
    else if (cast->wish_cnt == WISHES)
        refuse(sink, "too many ask for what is old");
    else
        cast->wishes[cast->wish_cnt++] = *wish;
}

static bool hear_requests(struct sl_sink *sink, int64_t now_ns)
{
    static const char *const whys[] = { [SL_WISH_NONSENSE] = "it is none of MoldUDP64",
                                        [SL_WISH_SESSION] = "of another session",
                                        [SL_WISH_AHEAD] = "for what was never sent",
                                        [SL_WISH_OLD] = "for what is too old" };
    struct multicast *cast = sink->own;
    uint8_t data[SL_MOLD_HEADER_LEN + 1];
    fill_bucket(&cast->answers, now_ns);
    for (uint32_t i = 0; cast->ask_fd >= 0 && i < REQUESTS; i++) {
        struct wish wish = { .to_len = sizeof(wish.to) };
        ssize_t len = recvfrom(cast->ask_fd, data, sizeof(data), 0, (struct sockaddr *)&wish.to, &wish.to_len);
        if (len < 0)
            return i > 0;
        enum sl_numbers_wish what =
            sl_numbers_read_wish(&cast->numbers, data, (uint32_t)len, ANSWER_CNT, &wish.number, &wish.left);
        if (!sl_line_allows_addr(&sink->wants->request_line, (const struct sockaddr *)&wish.to, wish.to_len))
            refuse(sink, "who asks is not in from=");
        else if (what != SL_WISH_FINE)
            refuse(sink, whys[what]);
        else
            take_wish(sink, &wish);
    }
    return cast->ask_fd >= 0;
}

/* ---- from the tape and the journal ---- */

static void close_late(struct multicast *cast)
{
    sl_reader_close(cast->late);
    cast->late = NULL;
}

static void end_wish(struct multicast *cast)
{
    cast->late_cnt = 0;
    cast->wish_cnt--;
    memmove(cast->wishes, cast->wishes + 1, cast->wish_cnt * sizeof(*cast->wishes));
}

static int open_late(struct sl_sink *sink, const struct wish *wish)
{
    struct multicast *cast = sink->own;
    struct sl_bookmark place, before;
    if (cast->late && wish->number - cast->late_at < LATE_AHEAD) /* and not below, which is far above */
        return 0;
    close_late(cast);
    if (!sl_numbers_place(&cast->numbers, wish->number, &place))
        return -ENOENT;
    before = (struct sl_bookmark){ place.epoch, place.seq - 1 };
    struct sl_reader_options options = { .size = sizeof(options),
                                         .socket = sink->config->socket,
                                         .name = sink->wants->name,
                                         .from = before.seq ? SL_FROM_PLACE : SL_FROM_SEQ,
                                         .epoch = place.epoch,
                                         .seq = before.seq ? before.seq : place.seq };
    cast->answers.level -= OPEN_COST;
    cast->late_at = wish->number;
    return sl_reader_open(&cast->late, &options);
}

/* The next number of the wish that lies at this place, or behind; those before it are gone. */
static bool is_wished(const struct multicast *cast, struct wish *wish, const struct sl_event *event)
{
    struct sl_bookmark place;
    for (; wish->left; wish->number++, wish->left--) {
        if (!sl_numbers_place(&cast->numbers, wish->number, &place))
            continue;
        if (place.epoch == event->place.epoch && place.seq == event->place.seq)
            return true;
        if (place.epoch != event->place.epoch || place.seq > event->place.seq)
            return false;
    }
    return false;
}

/* A step of it.  False: it is over. */
static bool read_late(struct sl_sink *sink, struct wish *wish)
{
    struct multicast *cast = sink->own;
    struct sl_event event;
    for (unsigned i = 0; i < STEPS && wish->left && cast->answers.level > 0; i++) {
        if (++cast->late_cnt > LATE_MAX || sl_reader_next(cast->late, &event, 0) || event.type == SL_EVENT_NONE) {
            close_late(cast);
            return false;
        }
        if (event.type != SL_EVENT_BULLETIN || !is_wished(cast, wish, &event))
            continue;
        char *to = (char *)cast->answer + SL_MOLD_HEADER_LEN + 2;
        uint32_t len = (uint32_t)write_message(sink, to, MESSAGE_MAX, &event);
        cast->answer[SL_MOLD_HEADER_LEN] = (uint8_t)(len >> 8);
        cast->answer[SL_MOLD_HEADER_LEN + 1] = (uint8_t)len;
        if (len && !send_answer(sink, wish, wish->number, 1, SL_MOLD_HEADER_LEN + 2 + len))
            return false;
        cast->late_at = ++wish->number;
        wish->left--;
    }
    return wish->left > 0;
}

static bool answer_late(struct sl_sink *sink, int64_t now_ns)
{
    struct multicast *cast = sink->own;
    if (!cast->wish_cnt) {
        if (cast->late && now_ns >= cast->late_until_ns)
            close_late(cast);
        if (cast->late)
            sl_sink_wake_at(sink, cast->late_until_ns);
        return false;
    }
    cast->late_until_ns = now_ns + LATE_KEEP_NS;
    if (cast->answers.level <= 0) {
        sl_sink_wake_at(sink, now_ns + BURST_NS / 8);
        return false;
    }
    struct wish *wish = &cast->wishes[0];
    bool begins = !cast->late_cnt;
    if ((begins && open_late(sink, wish)) || !cast->late || !read_late(sink, wish))
        end_wish(cast);
    return true;
}

static int poll_multicast(struct sl_sink *sink, int64_t now_ns)
{
    bool did = hear_requests(sink, now_ns);
    did |= answer_late(sink, now_ns);
    did |= send_waiting(sink, now_ns);
    say_where_we_are(sink, now_ns);
    return did;
}

static bool is_idle(struct sl_sink *sink)
{
    const struct multicast *cast = sink->own;
    if (sl_sink_queue_waiting(&sink->queue))
        return false;
    return !sink->wants->ends_at_stop ||
           (cast->has_ended && !cast->farewell.left && sl_clock_mono(NULL) >= cast->linger_ns);
}

const struct sl_sink_type sl_sink_multicast = { .name = "multicast",
                                                .keeps = true,
                                                .init = init,
                                                .write = write_item,
                                                .poll = poll_multicast,
                                                .is_idle = is_idle,
                                                .fini = fini };
