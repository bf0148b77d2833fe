/* The smallest reader: cc follow.c $(pkg-config --cflags --libs libslugline) && ./a.out */
#include <slugline/client.h>
#include <stdio.h>

int main(void)
{
    struct sl_reader *reader;
    if (sl_reader_open(&reader, NULL))
        return 3;
    for (struct sl_event event;;) {
        if (sl_reader_next(reader, &event, -1) || event.type != SL_EVENT_BULLETIN)
            continue; /* gone for a while, or missed some: next goes on by itself */
        struct sl_slice headline = sl_bulletin_text(event.bulletin, SL_TEXT_HEADLINE);
        printf("%llu %s %.*s\n", (unsigned long long)event.seq, event.feed, (int)headline.len, headline.data);
    }
}
