/* The smallest reader: cc follow.c $(pkg-config --cflags --libs libslugline) && ./a.out 'urgency <= 2' */
#include <slugline/client.h>
#include <slugline/filter.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    struct sl_filter *filter;
    struct sl_reader *reader;
    if (sl_filter_compile(&filter, argc > 1 ? argv[1] : "headline", NULL) ||
        sl_reader_open(&reader, &(struct sl_reader_options){ .filter = filter }))
        return 3;
    for (struct sl_event event;;) {
        if (sl_reader_next(reader, &event, -1) || event.type != SL_EVENT_BULLETIN)
            continue; /* gone for a while, or missed some: next goes on by itself */
        struct sl_slice headline = sl_bulletin_text(event.bulletin, SL_TEXT_HEADLINE);
        printf("%llu %s %.*s\n", (unsigned long long)event.seq, event.feed, (int)headline.len, headline.data);
    }
}
