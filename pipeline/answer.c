#include "pipeline/answer.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* ---- the template ---- */

static int hex_of(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* One byte of text, escaped or not; NULL: there is none such. */
static const char *read_byte(const char *at, char *byte)
{
    static const char escapes[] = "r\rn\nt\t\\\\{{";
    *byte = *at;
    if (*at != '\\')
        return at + 1;
    if (at[1] == 'x' && hex_of(at[2]) >= 0 && hex_of(at[3]) >= 0) {
        *byte = (char)(hex_of(at[2]) << 4 | hex_of(at[3]));
        return at + 4;
    }
    for (const char *escape = escapes; at[1] && *escape; escape += 2)
        if (*escape == at[1]) {
            *byte = escape[1];
            return at + 2;
        }
    return NULL;
}

static struct sl_answer_template *add_part(struct sl_answer_form *form, enum sl_answer_what_part what)
{
    if (form->part_cnt == SL_ANSWER_PARTS)
        return NULL;
    struct sl_answer_template *part = &form->parts[form->part_cnt++];
    *part = (struct sl_answer_template){ .what = what, .off = form->text_len };
    return part;
}

static const char *read_echo(struct sl_answer_form *form, const char *digits, size_t len)
{
    char *end;
    unsigned long cnt = strtoul(digits, &end, 10);
    struct sl_answer_template *part = add_part(form, SL_PART_ECHO);
    if (end != digits + len || *digits < '1' || *digits > '9' || cnt > SL_ANSWER_ECHO_MAX)
        return "echo: 1 to 64 bytes are expected";
    if (!part)
        return "more than 8 parts";
    part->len = (uint8_t)cnt;
    form->echo_len = form->echo_len > cnt ? form->echo_len : (uint8_t)cnt;
    return NULL;
}

static const char *read_field(struct sl_answer_form *form, const char *name, size_t len)
{
    static const char *const names[] = { "id", "number", "service" };
    if (len > 5 && !strncmp(name, "echo:", 5))
        return read_echo(form, name + 5, len - 5);
    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strlen(names[i]) == len && !strncmp(names[i], name, len))
            return add_part(form, SL_PART_ID + i) ? NULL : "more than 8 parts";
    return "no such field; {id}, {number}, {service} or {echo:N} is expected";
}

const char *sl_answer_form_read(struct sl_answer_form *form, const char *text)
{
    *form = (struct sl_answer_form){ 0 };
    if (!strncmp(text, "echo:", 5))
        return read_echo(form, text + 5, strlen(text + 5));
    while (*text) {
        if (*text == '{') {
            size_t len = strcspn(text + 1, "}");
            const char *why =
                text[1 + len] ? read_field(form, text + 1, len) : "'{' without '}'; a brace itself is \\{";
            if (why)
                return why;
            text += len + 2;
            continue;
        }
        char byte;
        text = read_byte(text, &byte);
        if (!text)
            return "no such escape; \\r \\n \\t \\xNN \\\\ or \\{ is expected";
        struct sl_answer_template *part = form->part_cnt ? &form->parts[form->part_cnt - 1] : NULL;
        if (!part || part->what != SL_PART_TEXT)
            part = add_part(form, SL_PART_TEXT);
        if (!part || form->text_len == SL_ANSWER_TEXT_MAX)
            return "longer than 8 parts or 128 bytes of text";
        form->text[form->text_len++] = byte;
        part->len++;
    }
    return NULL;
}

/* ---- a connection ---- */

void sl_answers_init(struct sl_answers *answers, const struct sl_answer_form *form, struct sl_ack *acks, uint16_t first)
{
    memset(answers, 0, sizeof(*answers));
    answers->form = form;
    answers->acks = acks;
    answers->first = first;
    for (uint32_t i = 0; i < SL_ANSWERS; i++)
        acks[i].said = &answers->said[i];
}

/* What nobody is told of any more. */
static void take_back(struct sl_answers *answers)
{
    while (answers->given < answers->told_from && sl_ack_is_settled(&answers->acks[answers->given % SL_ANSWERS]))
        answers->given++;
}

uint16_t sl_answers_expect(struct sl_answers *answers, const uint8_t *bytes, uint32_t len)
{
    take_back(answers);
    if (answers->taken - answers->given == SL_ANSWERS)
        return 0;
    uint32_t at = answers->taken++ % SL_ANSWERS;
    struct sl_answer_echo *echo = &answers->echo[at];
    sl_ack_reset(&answers->acks[at]);
    echo->len = (uint8_t)(len < answers->form->echo_len ? len : answers->form->echo_len);
    memcpy(echo->bytes, bytes, echo->len);
    return (uint16_t)(answers->first + at + 1);
}

static void put(struct sl_answers *answers, const void *data, uint32_t len)
{
    assert(len <= sizeof(answers->out) - answers->out_len);
    memcpy(answers->out + answers->out_len, data, len);
    answers->out_len += len;
}

static void write_answer(struct sl_answers *answers, uint32_t at)
{
    const struct sl_answer_form *form = answers->form;
    const struct sl_ack_said *said = &answers->said[at];
    const struct sl_answer_echo *echo = &answers->echo[at];
    for (unsigned i = 0; i < form->part_cnt; i++) {
        const struct sl_answer_template *part = &form->parts[i];
        switch (part->what) {
        case SL_PART_TEXT:
            put(answers, form->text + part->off, part->len);
            break;
        case SL_PART_ECHO:
            put(answers, echo->bytes, echo->len < part->len ? echo->len : part->len);
            break;
        case SL_PART_ID:
            put(answers, said->id, said->id_len);
            break;
        case SL_PART_NUMBER:
            put(answers, said->number, said->number_len);
            break;
        case SL_PART_SERVICE:
            put(answers, said->service, said->service_len);
            break;
        }
    }
}

static int send_out(struct sl_answers *answers, int fd)
{
    if (!answers->out_len)
        return 0;
    ssize_t sent = send(fd, answers->out, answers->out_len, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : -errno;
    answers->out_len -= (uint32_t)sent;
    memmove(answers->out, answers->out + sent, answers->out_len);
    return 0;
}

int sl_answers_send(struct sl_answers *answers, int fd, const struct sl_durable *const journal[2])
{
    int cnt = 0;
    take_back(answers);
    while (answers->given >= answers->told_from && answers->given < answers->taken &&
           sizeof(answers->out) - answers->out_len >= SL_ANSWER_LEN_MAX) {
        uint32_t at = answers->given % SL_ANSWERS;
        enum sl_fate fate = sl_ack_fate(&answers->acks[at], journal);
        if (fate == SL_FATE_LOST)
            return -ESTALE;
        if (fate == SL_FATE_OPEN)
            break;
        write_answer(answers, at);
        answers->given++;
        cnt++;
    }
    int rc = send_out(answers, fd);
    return rc ? rc : cnt;
}

uint32_t sl_answers_pending(const struct sl_answers *answers)
{
    uint64_t from = answers->given > answers->told_from ? answers->given : answers->told_from;
    return (uint32_t)(answers->taken - from) + (answers->out_len > 0);
}

uint32_t sl_answers_reset(struct sl_answers *answers)
{
    uint32_t lost = sl_answers_pending(answers);
    answers->told_from = answers->taken;
    answers->out_len = 0;
    return lost;
}
