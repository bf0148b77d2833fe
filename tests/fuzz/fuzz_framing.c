/* However a stream is divided, its units are the same; and no step leaves its bounds.
 *   input: framing, message_max, a seed for the pieces, then the stream */
#include "tests/pipeline/units.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint32_t next_piece(uint32_t *seed, uint32_t left)
{
    *seed = *seed * 1664525u + 1013904223u;
    uint32_t len = 1 + (*seed >> 24) % ((*seed & 0x10000) ? 3 : 64);
    return len < left ? len : left;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t framings[] = { SL_FRAMING_CONTROL, SL_FRAMING_LENGTH16, SL_FRAMING_LENGTH32, SL_FRAMING_LINE,
                                        SL_FRAMING_FIX,     SL_FRAMING_FILE,     SL_FRAMING_XML,      SL_FRAMING_MIME,
                                        SL_FRAMING_ZCZC,    SL_FRAMING_WMO,      SL_FRAMING_WEBSOCKET };
    if (size < 4 || size > UNITS_MAX)
        return 0;
    enum sl_framing framing = framings[data[0] % sizeof(framings)];
    uint32_t message_max = SL_MESSAGE_MAX_MIN + data[1] * 8u, seed = data[2];
    enum sl_framing_end end = data[3] % 4;
    const uint8_t *stream = data + 4;
    uint32_t len = (uint32_t)size - 4;

    static struct units whole, pieces;
    units_init(&whole, framing, message_max, len);
    units_init(&pieces, framing, message_max, len);
    units_feed(&whole, stream, len);
    for (uint32_t at = 0, n; at < len && !pieces.broken; at += n) {
        n = next_piece(&seed, len - at);
        units_feed(&pieces, stream + at, n);
    }
    if (!whole.broken)
        units_end(&whole, end);
    if (!pieces.broken)
        units_end(&pieces, end);
    assert(units_same(&whole, &pieces));
    assert(units_add_up(&whole));
    /* What comes after is framed as ever. */
    if (!whole.broken && end != SL_END_OF_TIME)
        assert(whole.framer.state == SL_FRAMER_BETWEEN && !whole.framer.len);
    units_fini(&whole);
    units_fini(&pieces);
    return 0;
}
