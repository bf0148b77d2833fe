/* parsers/mail.h - what the parts of the mail parser share.  No one else includes this.
 *
 *     rfc822.c        a mail to a bulletin
 *     mail_header.c   header fields: encoded words, parameters, addresses
 *     mail_parts.c    the tree of parts, and what their transfer encodings hide
 *     mail_text.c     a text part to paragraphs: flowed lines, quotes, signatures
 *
 * Threads   Pure functions.
 * Owns      Spans borrow the message, or what was decoded into the parse's scratch.
 */
#ifndef SL_PARSERS_MAIL_H
#define SL_PARSERS_MAIL_H

#include "parsers/parse.h"

#define SL_MAIL_DEPTH_MAX    8u /* of parts within parts */
#define SL_MAIL_PARTS_MAX    64u
#define SL_MAIL_BOUNDARY_MAX 128u /* RFC 2046 allows 70 */
#define SL_MAIL_VALUE_MAX    8192u /* bytes of a header field that are looked at */

enum sl_mail_encoding { SL_MAIL_PLAIN, SL_MAIL_QUOTED_PRINTABLE, SL_MAIL_BASE64 };

/* ---- mail_header.c ---- */

struct sl_mail_field {
    struct sl_span name, value; /* value: folded lines and all */
};
/* The next field of *rest; false at the empty line that ends them, which is taken, or at the end.  Lines that are no
 * fields are passed over. */
bool sl_mail_field(struct sl_span *rest, struct sl_mail_field *field);

/* Words of a header, decoded (RFC 2047), in one line of UTF-8 of the bulletin's own.  charset: of bytes beyond ASCII
 * that stand there as they are. */
struct sl_ref sl_mail_words(struct sl_parse *parse, struct sl_span value);
/* A parameter of a structured field (RFC 2045, 2231), as bytes into to: its length, 0 where there is none.  charset:
 * as the parameter says, else UNKNOWN. */
uint32_t sl_mail_param(struct sl_span value, const char *name, uint8_t *to, uint32_t cap, enum sl_charset *charset);
/* The next address of a list: the name may be empty, and is as written. */
struct sl_mail_address {
    struct sl_span name, address;
};
bool sl_mail_address(struct sl_span *rest, struct sl_mail_address *address);
/* The next <message-id>, without what stands around it. */
bool sl_mail_id(struct sl_span *rest, struct sl_span *id);

/* What bytes are that are labelled so: sl_charset_guess, but a label of UTF-8 on bytes that hold no character of it is
 * a lie. */
enum sl_charset sl_mail_charset(struct sl_span bytes, enum sl_charset label);

/* ---- mail_parts.c ---- */

/* A part that has no parts. */
struct sl_mail_part {
    struct sl_span headers, content; /* content: still encoded */
    struct sl_span type; /* "text/plain"; empty: not said, which is that */
    struct sl_span type_field, disposition, id;
    enum sl_mail_encoding encoding;
    enum sl_charset charset;
    bool is_charset_unknown; /* a label that nobody knows */
    bool is_flowed, is_delsp;
    bool is_attachment, is_root; /* by its disposition or name; the first of multipart/related */
    uint8_t alternative; /* parts with the same number, not 0, say the same */
};

struct sl_mail_parts {
    struct sl_mail_part part[SL_MAIL_PARTS_MAX];
    uint32_t cnt;
    bool has_more; /* than these */
    bool is_cut; /* ends before its last boundary */
    bool is_too_deep;
};

/* All parts of a message whose headers these are, in one pass over its lines. */
void sl_mail_split(struct sl_mail_parts *parts, struct sl_span headers, struct sl_span content);
/* The part's bytes: where they stand, or decoded into scratch.  False: no room for them. */
bool sl_mail_decode(struct sl_parse *parse, const struct sl_mail_part *part, struct sl_span *bytes);

uint32_t sl_mail_decode_base64(uint8_t *to, struct sl_span from);
/* is_word: as in encoded words, where _ is a blank. */
uint32_t sl_mail_decode_quoted(uint8_t *to, struct sl_span from, bool is_word);

/* ---- mail_text.c ---- */

struct sl_mail_text {
    struct sl_parse *parse;
    enum sl_charset charset;
    bool is_charset_unknown;
    bool is_flowed, is_delsp;
    bool is_reply; /* what it quotes was said before */
    bool left_quotes, left_signature, left_private; /* out of it: said when done */
};
/* "Not for publication" begins here, and it is no embargo. */
bool sl_mail_is_private(const struct sl_parse *parse, struct sl_span line);
/* A plain text part into the open text of out. */
void sl_mail_put_text(struct sl_mail_text *text, struct sl_span bytes);

#endif
