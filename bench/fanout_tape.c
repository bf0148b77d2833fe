#include "bench/fanout_tape.h"

#include "parsers/bulletin.h"
#include "parsers/parse.h"
#include "pipeline/handout.h"
#include "pipeline/record.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define EPOCH   1u
#define WAIT_NS 50000
#define BATCH   32u /* as the desk's rounds: looks at its readers once in so many */

void fanout_need(bool fine)
{
    if (!fine) {
        perror("bench_fanout");
        abort();
    }
}

void fanout_model(unsigned char *model)
{
    static _Alignas(64) unsigned char roomy[2 * FANOUT_SIZE];
    static char body[FANOUT_SIZE];
    static struct sl_out out;
    struct sl_record *record = (struct sl_record *)(void *)model;
    const uint32_t wanted = FANOUT_SIZE - (uint32_t)sizeof(*record);
    uint32_t len = 0;
    memset(body, 'x', sizeof(body));
    for (uint32_t body_len = FANOUT_SIZE; len != wanted && body_len; body_len--) {
        sl_out_begin(&out, roomy, sizeof(roomy), SL_FORMAT_IPTC7901);
        sl_out_text(&out, SL_TEXT_ID, "urn:example:bulletin", 20);
        sl_out_text(&out, SL_TEXT_PROVIDER, "example", 7);
        sl_out_text(&out, SL_TEXT_HEADLINE, "Two kilobytes of news are brought to several processes", 54);
        sl_out_text(&out, SL_TEXT_BODY, body, body_len);
        len = sl_out_finish(&out);
    }
    *record = (struct sl_record){ .len = FANOUT_SIZE, .kind = SL_KIND_NEWS, .verdict = SL_VERDICT_PASSED, .epoch = 1 };
    memcpy(record + 1, roomy, wanted);
    fanout_need(len == wanted && sl_bulletin_check((struct sl_bulletin *)(record + 1), wanted) == SL_BULLETIN_FINE);
}

void fanout_tape_make(struct fanout_tape *tape, uint64_t len, bool gates)
{
    struct sl_log_config config = { .bytes_len = len, .epoch = EPOCH, .first_seq = 1 };
    memset(tape, 0, sizeof(*tape));
    tape->gates = gates;
    tape->listen_fd = -1;
    fanout_need(!sl_mem_create(&tape->tape, "bench-tape", sl_log_footprint(&config), 0));
    fanout_need(!sl_log_new(tape->tape.addr, &config) && !sl_log_join_tx(&tape->tx, tape->tape.addr));
}

static void seat(struct fanout_tape *tape, int conn)
{
    char buf[256] = "";
    struct sl_welcome *welcome = (struct sl_welcome *)buf;
    struct sl_hello hello;
    uint32_t idx = tape->seated;
    fanout_need(idx < FANOUT_SEATS);
    tape->conns[idx] = conn;
    fanout_need(recv(conn, &hello, sizeof(hello), 0) == (ssize_t)sizeof(hello));
    *welcome = (struct sl_welcome){
        .magic = SL_HANDOUT_MAGIC, .version = SL_HANDOUT_VERSION, .epoch = EPOCH, .seat_idx = idx, .feed_cnt = 1
    };
    memcpy(welcome->feeds, "wire", 5);
    fanout_need(!sl_mem_create(&tape->seats[idx], "bench-seat", sizeof(struct sl_seat), 0));
    fanout_need(!sl_mem_seal(&tape->seats[idx], true));
    sl_log_attach(&tape->tx, idx, tape->seats[idx].addr, tape->gates);
    tape->seated++;
    int fds[] = { tape->tape.fd, tape->tape.fd, tape->seats[idx].fd }; /* nobody looks at books here */
    fanout_need(!sl_mem_send(conn, buf, sizeof(*welcome) + 5, fds, 3));
}

static void *serve(void *of)
{
    struct fanout_tape *tape = of;
    int conn;
    while ((conn = accept4(tape->listen_fd, NULL, NULL, SOCK_CLOEXEC)) >= 0)
        seat(tape, conn);
    return NULL;
}

void fanout_tape_listen(struct fanout_tape *tape)
{
    struct sockaddr_un addr = { .sun_family = AF_UNIX };
    fanout_need(!sl_mem_seal(&tape->tape, false));
    snprintf(tape->path, sizeof(tape->path), "/tmp/bench-fanout-%d.sock", getpid());
    memcpy(addr.sun_path, tape->path, strlen(tape->path));
    tape->listen_fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    unlink(tape->path);
    fanout_need(tape->listen_fd >= 0 && !bind(tape->listen_fd, (struct sockaddr *)&addr, sizeof(addr)) &&
                !listen(tape->listen_fd, 16));
}

void fanout_tape_serve(struct fanout_tape *tape) { fanout_need(!pthread_create(&tape->server, NULL, serve, tape)); }

/* Without a processor, which those that are waited for can use: a publisher has nothing to do here. */
static void wait_for_window(const struct fanout_tape *tape)
{
    if (sl_log_sleepers(&tape->tx))
        sl_log_wake(&tape->tx);
    nanosleep(&(struct timespec){ .tv_nsec = WAIT_NS }, NULL);
}

void fanout_tape_publish(struct fanout_tape *tape, struct fanout_job *job, uint32_t window)
{
    fanout_await(job);
    sl_log_poll_gates(&tape->tx);
    for (uint64_t number = 1; number <= job->cnt; number++) {
        void *claimed;
        while (window && number > window && fanout_least(job) + window < number)
            wait_for_window(tape);
        while (!(claimed = sl_log_claim(&tape->tx, FANOUT_SIZE, 0)))
            sched_yield();
        fanout_make(claimed, number);
        sl_log_publish(&tape->tx, FANOUT_SIZE);
        if (number % BATCH)
            continue;
        if (!tape->gates)
            sl_log_poll_gates(&tape->tx);
        if (sl_log_sleepers(&tape->tx))
            sl_log_wake(&tape->tx);
    }
    while (window && fanout_least(job) < job->cnt)
        wait_for_window(tape);
}

void fanout_tape_drop(struct fanout_tape *tape)
{
    if (tape->listen_fd >= 0) {
        shutdown(tape->listen_fd, SHUT_RD); /* accept returns */
        pthread_join(tape->server, NULL);
        close(tape->listen_fd);
        unlink(tape->path);
    }
    for (uint32_t i = 0; i < tape->seated; i++) {
        if (tape->conns[i] > 0)
            close(tape->conns[i]);
        sl_mem_close(&tape->seats[i]);
    }
    sl_mem_close(&tape->tape);
}
