// The same in C++: g++ -std=c++17 follow.cc $(pkg-config --cflags --libs libslugline) && ./a.out 'urgency <= 2'
#include <iostream>
#include <slugline/client.h>
#include <slugline/filter.h>
#include <string_view>

int main(int argc, char **argv)
{
    sl_reader_options options{};
    sl_filter *filter;
    sl_reader *reader;
    if (sl_filter_compile(&filter, argc > 1 ? argv[1] : "headline", nullptr)) return 3;
    if (options.filter = filter; sl_reader_open(&reader, &options)) return 3;
    for (sl_event event;;) {
        if (sl_reader_next(reader, &event, -1) || event.type != SL_EVENT_BULLETIN) continue;
        auto headline = sl_bulletin_text(event.bulletin, SL_TEXT_HEADLINE);
        std::cout << event.seq << ' ' << event.feed << ' ' << std::string_view(headline.data, headline.len) << std::endl;
    }
}
