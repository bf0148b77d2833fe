#include "pipeline/sample.h"

#include "pipeline/clock.h"

static void take_lane(struct sl_sample_lane *lane, const struct sl_books *books, unsigned idx)
{
    *lane = (struct sl_sample_lane){ 0 };
    for (uint32_t i = 0; i < books->feed_cnt; i++) {
        const sl_cell *rx = sl_books_rx(books, i), *desk = sl_books_desk(books, i);
        lane->framed += sl_cell_get(&rx[SL_RX_FRAMED_LANE + idx]);
        lane->dropped += sl_cell_get(&rx[SL_RX_DROPPED_LANE + idx]);
        lane->published += sl_cell_get(&desk[SL_DESK_LANE + idx]);
    }
}

void sl_sample_take(struct sl_sample *sample, const struct sl_books *books)
{
    const sl_cell *tape = sl_books_tape(books);

    sample->mono_ns = sl_clock_mono(NULL);
    sample->real_ns = sl_clock_real(NULL);
    sample->last_seq = sl_cell_get(&tape[SL_TAPE_LAST_SEQ]);
    sample->durable_seq = sl_cell_get(&tape[SL_TAPE_DURABLE_SEQ]);
    for (uint32_t i = 0; i < books->feed_cnt; i++)
        sample->feeds[i] = sl_books_sums(books, i);
    for (unsigned lane = 0; lane < SL_LANE_CNT; lane++)
        take_lane(&sample->lanes[lane], books, lane);
    for (uint32_t i = 0; i < SL_LOG_SEATS; i++)
        if (!sl_reader_stand(books, i, &sample->readers[i]))
            sample->readers[i] = (struct sl_reader_stand){ .state = SL_READER_AWAY };
    for (uint32_t i = 0; i < books->thread_cnt; i++) {
        const sl_cell *row = sl_books_thread(books, i);
        sample->threads[i].polls = sl_cell_get(&row[SL_THREAD_POLLS]);
        sample->threads[i].busy = sl_cell_get(&row[SL_THREAD_BUSY_POLLS]);
        sample->threads[i].sleeps = sl_cell_get(&row[SL_THREAD_SLEEPS]);
        sample->threads[i].core = (int64_t)sl_cell_get(&row[SL_THREAD_CORE]);
    }
}

double sl_sample_rate(const struct sl_sample *then, const struct sl_sample *now, uint64_t was, uint64_t is)
{
    int64_t ns = now->mono_ns - then->mono_ns;

    return ns > 0 && is > was ? (double)(is - was) * 1e9 / (double)ns : 0;
}
