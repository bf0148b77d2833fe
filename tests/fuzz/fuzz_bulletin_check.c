/* Does sl_bulletin_check let through a record that a reader cannot walk?  And does what finish made always pass?
 *
 * The first byte chooses: the rest is a record from a hostile peer; or it is orders to a parser's sl_out, and what is
 * left of it then damages the record that came out. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "parsers/bulletin.h"
#include "parsers/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static volatile uint64_t touched;

static void touch(struct sl_slice text)
{
    for (uint32_t i = 0; i < text.len; i++)
        touched += (uint8_t)text.data[i];
    assert(sl_text_prefix((const uint8_t *)text.data, text.len) == text.len);
}

static void walk(const struct sl_bulletin *bulletin)
{
    for (unsigned text = 0; text < SL_TEXT_CNT; text++)
        touch(sl_bulletin_text(bulletin, text));
    for (unsigned list = 0; list < SL_LIST_CNT; list++) {
        const struct sl_item *items = sl_bulletin_items(bulletin, list);
        for (uint32_t i = 0; i < bulletin->list[list].cnt; i++) {
            for (unsigned part = 0; part < SL_ITEM_PARTS; part++)
                touch(sl_bulletin_ref(bulletin, items[i].part[part]));
        }
    }
    assert(sl_kind_name(bulletin->kind)[0] != '?');
    assert(sl_signal_name(bulletin->signal)[0] != '?');
    assert(sl_pubstatus_name(bulletin->pubstatus)[0] != '?');
}

/* In memory of exactly this length, so that a sanitizer sees the first byte too many.  Long texts that many refs share
 * would make the walk, not the check, slow: those are left. */
static void check_and_walk(const void *record, size_t len)
{
    void *copy = malloc(len != 0 ? len : 1);
    assert(copy);
    memcpy(copy, record, len);
    if (sl_bulletin_check(copy, len) == SL_BULLETIN_FINE && len <= 16384)
        walk(copy);
    free(copy);
}

static uint32_t write_bulletin(const uint8_t **data, size_t *len, void *mem, uint32_t cap)
{
    static struct sl_out out;
    sl_out_begin(&out, mem, cap, 1);
    while (*len >= 3) {
        uint8_t order = (*data)[0], which = (*data)[1];
        uint32_t text_len = (*data)[2] < *len - 3 ? (*data)[2] : (uint32_t)(*len - 3);
        if (order == 0xff)
            break;
        sl_out_open(&out);
        sl_text_put(&out, SL_CHARSET_UTF8, *data + 3, text_len, NULL);
        assert(sl_out_opened(&out).len <= cap);
        if (order & 1)
            sl_out_cut(&out, 0);
        struct sl_ref ref = sl_out_close(&out);
        if (order & 2) {
            sl_out_set(&out, which % SL_TEXT_CNT, ref);
        } else {
            for (unsigned i = 0; i < 1 + (order & 0xf8u); i++)
                sl_out_item(&out, which % SL_LIST_CNT, ref, ref, (struct sl_ref){ 0, 0 }, ref);
        }
        if (order & 4)
            sl_out_note(&out, "a note");
        *data += 3 + text_len;
        *len -= 3 + text_len;
    }
    bool may_fit = !out.full && sl_out_get(&out, SL_TEXT_ID).len != 0;
    uint32_t record_len = sl_out_finish(&out);
    assert(record_len == 0 || may_fit);
    assert(record_len <= cap);
    return record_len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static _Alignas(8) uint8_t mem[32768];
    if (len == 0)
        return 0;
    uint8_t choice = *data++;
    len--;
    if (choice % 2 == 0) {
        check_and_walk(data, len);
        return 0;
    }
    uint32_t cap = SL_BULLETIN_LEN_MIN + (uint32_t)choice * 120;
    uint32_t record_len = write_bulletin(&data, &len, mem, cap);
    if (record_len == 0)
        return 0;
    assert(sl_bulletin_check(mem, record_len) == SL_BULLETIN_FINE);
    assert(sl_bulletin_check(mem, record_len - 1) == SL_BULLETIN_SHORT);
    check_and_walk(mem, record_len);
    for (size_t i = 0; i + 3 <= len; i += 3)
        mem[((uint32_t)data[i] << 8 | data[i + 1]) % record_len] = data[i + 2];
    check_and_walk(mem, record_len);
    return 0;
}
