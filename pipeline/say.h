/* pipeline/say.h - one event a line, for people: `slugline: stage event key=value`.
 *
 * Life      init once, before threads; nothing to end.
 * Threads   Any; a line is one write.
 * Units     The level says who should act: error someone now, warn someone today, info nobody (the state changed).
 * Source    sd-daemon(3): "<3>" before a line when systemd's journal reads standard error.
 *
 * The data path never logs; it counts.
 */
#ifndef SL_PIPELINE_SAY_H
#define SL_PIPELINE_SAY_H

enum sl_say { SL_SAY_ERROR = 3, SL_SAY_WARN = 4, SL_SAY_INFO = 6, SL_SAY_DEBUG = 7 };

void sl_say_init(enum sl_say most); /* what is less urgent than this is left out */
void sl_say(enum sl_say level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
