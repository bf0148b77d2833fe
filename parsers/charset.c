#include "parsers/text.h"
#include <string.h>

/* The upper halves of the 8-bit sets, as the Unicode Consortium and, for what Windows leaves open, the WHATWG Encoding
 * standard map them: 32 characters a row from byte 0x80 on, escapes only for what cannot be seen.  U+FFFD: none. */

#define C1_CONTROLS                                                                                                    \
    u"\x80\x81\x82\x83\x84\x85\x86\x87\x88\x89\x8a\x8b\x8c\x8d\x8e\x8f"                                                \
    u"\x90\x91\x92\x93\x94\x95\x96\x97\x98\x99\x9a\x9b\x9c\x9d\x9e\x9f"

/* clang-format off */
static const char16_t iso_8859_1[] =
    C1_CONTROLS
    u"\u00a0¡¢£¤¥¦§¨©ª«¬\u00ad®¯°±²³´µ¶·¸¹º»¼½¾¿"
    u"ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÐÑÒÓÔÕÖ×ØÙÚÛÜÝÞß"
    u"àáâãäåæçèéêëìíîïðñòóôõö÷øùúûüýþÿ";

static const char16_t iso_8859_2[] =
    C1_CONTROLS
    u"\u00a0Ą˘Ł¤ĽŚ§¨ŠŞŤŹ\u00adŽŻ°ą˛ł´ľśˇ¸šşťź˝žż"
    u"ŔÁÂĂÄĹĆÇČÉĘËĚÍÎĎĐŃŇÓÔŐÖ×ŘŮÚŰÜÝŢß"
    u"ŕáâăäĺćçčéęëěíîďđńňóôőö÷řůúűüýţ˙";

static const char16_t iso_8859_5[] =
    C1_CONTROLS
    u"\u00a0ЁЂЃЄЅІЇЈЉЊЋЌ\u00adЎЏАБВГДЕЖЗИЙКЛМНОП"
    u"РСТУФХЦЧШЩЪЫЬЭЮЯабвгдежзийклмноп"
    u"рстуфхцчшщъыьэюя№ёђѓєѕіїјљњћќ§ўџ";

static const char16_t iso_8859_7[] =
    C1_CONTROLS
    u"\u00a0‘’£€₯¦§¨©ͺ«¬\u00ad\ufffd―°±²³΄΅Ά·ΈΉΊ»Ό½ΎΏ"
    u"ΐΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡ\ufffdΣΤΥΦΧΨΩΪΫάέήί"
    u"ΰαβγδεζηθικλμνξοπρςστυφχψωϊϋόύώ\ufffd";

static const char16_t iso_8859_9[] =
    C1_CONTROLS
    u"\u00a0¡¢£¤¥¦§¨©ª«¬\u00ad®¯°±²³´µ¶·¸¹º»¼½¾¿"
    u"ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏĞÑÒÓÔÕÖ×ØÙÚÛÜİŞß"
    u"àáâãäåæçèéêëìíîïğñòóôõö÷øùúûüışÿ";

static const char16_t iso_8859_15[] =
    C1_CONTROLS
    u"\u00a0¡¢£€¥Š§š©ª«¬\u00ad®¯°±²³Žµ¶·ž¹º»ŒœŸ¿"
    u"ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÐÑÒÓÔÕÖ×ØÙÚÛÜÝÞß"
    u"àáâãäåæçèéêëìíîïðñòóôõö÷øùúûüýþÿ";

static const char16_t windows_1250[] =
    u"€\x81‚\x83„…†‡\x88‰Š‹ŚŤŽŹ\x90‘’“”•–—\x98™š›śťžź"
    u"\u00a0ˇ˘Ł¤Ą¦§¨©Ş«¬\u00ad®Ż°±˛ł´µ¶·¸ąş»Ľ˝ľż"
    u"ŔÁÂĂÄĹĆÇČÉĘËĚÍÎĎĐŃŇÓÔŐÖ×ŘŮÚŰÜÝŢß"
    u"ŕáâăäĺćçčéęëěíîďđńňóôőö÷řůúűüýţ˙";

static const char16_t windows_1251[] =
    u"ЂЃ‚ѓ„…†‡€‰Љ‹ЊЌЋЏђ‘’“”•–—\x98™љ›њќћџ"
    u"\u00a0ЎўЈ¤Ґ¦§Ё©Є«¬\u00ad®Ї°±Ііґµ¶·ё№є»јЅѕї"
    u"АБВГДЕЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯ"
    u"абвгдежзийклмнопрстуфхцчшщъыьэюя";

static const char16_t windows_1252[] =
    u"€\x81‚ƒ„…†‡ˆ‰Š‹Œ\x8dŽ\x8f\x90‘’“”•–—˜™š›œ\x9džŸ"
    u"\u00a0¡¢£¤¥¦§¨©ª«¬\u00ad®¯°±²³´µ¶·¸¹º»¼½¾¿"
    u"ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÐÑÒÓÔÕÖ×ØÙÚÛÜÝÞß"
    u"àáâãäåæçèéêëìíîïðñòóôõö÷øùúûüýþÿ";

static const char16_t windows_1253[] =
    u"€\x81‚ƒ„…†‡\x88‰\x8a‹\x8c\x8d\x8e\x8f\x90‘’“”•–—\x98™\x9a›\x9c\x9d\x9e\x9f"
    u"\u00a0΅Ά£¤¥¦§¨©\ufffd«¬\u00ad®―°±²³΄µ¶·ΈΉΊ»Ό½ΎΏ"
    u"ΐΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡ\ufffdΣΤΥΦΧΨΩΪΫάέήί"
    u"ΰαβγδεζηθικλμνξοπρςστυφχψωϊϋόύώ\ufffd";

static const char16_t windows_1254[] =
    u"€\x81‚ƒ„…†‡ˆ‰Š‹Œ\x8d\x8e\x8f\x90‘’“”•–—˜™š›œ\x9d\x9eŸ"
    u"\u00a0¡¢£¤¥¦§¨©ª«¬\u00ad®¯°±²³´µ¶·¸¹º»¼½¾¿"
    u"ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏĞÑÒÓÔÕÖ×ØÙÚÛÜİŞß"
    u"àáâãäåæçèéêëìíîïğñòóôõö÷øùúûüışÿ";

static const char16_t koi8_r[] =
    u"─│┌┐└┘├┤┬┴┼▀▄█▌▐░▒▓⌠■∙√≈≤≥\u00a0⌡°²·÷"
    u"═║╒ё╓╔╕╖╗╘╙╚╛╜╝╞╟╠╡Ё╢╣╤╥╦╧╨╩╪╫╬©"
    u"юабцдефгхийклмнопярстужвьызшэщчъ"
    u"ЮАБЦДЕФГХИЙКЛМНОПЯРСТУЖВЬЫЗШЭЩЧЪ";


struct charset {
    const char *name;
    const char16_t *high; /* NULL: not an 8-bit set */
    const char *labels;   /* lower case, letters and digits only, a blank before and after each */
};

/* Labels after the WHATWG Encoding standard, and a few that wires write beside them. */
static const struct charset charsets[SL_CHARSET_CNT] = {
    [SL_CHARSET_UNKNOWN] = { "", NULL, "" },
    [SL_CHARSET_UTF8] = { "utf-8", NULL, " utf8 unicode11utf8 unicode20utf8 xunicode20utf8 csutf8 " },
    [SL_CHARSET_WINDOWS_1252] = { "windows-1252", windows_1252,
        " windows1252 cp1252 xcp1252 win1252 ansi ascii usascii iso646us ansix341968 ansix341986 " },
    [SL_CHARSET_ISO_8859_1] = { "iso-8859-1", iso_8859_1,
        " iso88591 latin1 l1 iso885911987 isoir100 csisolatin1 cp819 ibm819 " },
    [SL_CHARSET_ISO_8859_2] = { "iso-8859-2", iso_8859_2, " iso88592 latin2 l2 iso885921987 isoir101 csisolatin2 " },
    [SL_CHARSET_ISO_8859_5] = { "iso-8859-5", iso_8859_5,
        " iso88595 cyrillic iso885951988 isoir144 csisolatincyrillic " },
    [SL_CHARSET_ISO_8859_7] = { "iso-8859-7", iso_8859_7,
        " iso88597 greek greek8 iso885971987 isoir126 csisolatingreek ecma118 elot928 suneugreek " },
    [SL_CHARSET_ISO_8859_9] = { "iso-8859-9", iso_8859_9, " iso88599 latin5 l5 iso885991989 isoir148 csisolatin5 " },
    [SL_CHARSET_ISO_8859_15] = { "iso-8859-15", iso_8859_15, " iso885915 latin9 l9 csisolatin9 csiso885915 " },
    [SL_CHARSET_WINDOWS_1250] = { "windows-1250", windows_1250, " windows1250 cp1250 xcp1250 win1250 " },
    [SL_CHARSET_WINDOWS_1251] = { "windows-1251", windows_1251, " windows1251 cp1251 xcp1251 win1251 " },
    [SL_CHARSET_WINDOWS_1253] = { "windows-1253", windows_1253, " windows1253 cp1253 xcp1253 win1253 " },
    [SL_CHARSET_WINDOWS_1254] = { "windows-1254", windows_1254, " windows1254 cp1254 xcp1254 win1254 " },
    [SL_CHARSET_KOI8_R] = { "koi8-r", koi8_r, " koi8r koi8 koi cskoi8r " },
    [SL_CHARSET_UTF16LE] = { "utf-16le", NULL,
        " utf16le utf16 unicode ucs2 iso10646ucs2 csunicode unicodefeff " },
    [SL_CHARSET_UTF16BE] = { "utf-16be", NULL, " utf16be unicodefffe " },
    [SL_CHARSET_UTF32LE] = { "utf-32le", NULL, " utf32le utf32 ucs4 iso10646ucs4 csucs4 " },
    [SL_CHARSET_UTF32BE] = { "utf-32be", NULL, " utf32be " },
    [SL_CHARSET_SHIFT_JIS] = { "shift_jis", NULL,
        " shiftjis csshiftjis mskanji ms932 sjis xsjis windows31j cswindows31j cp932 windows932 " },
    [SL_CHARSET_EUC_JP] = { "euc-jp", NULL,
        " eucjp xeucjp cseucpkdfmtjapanese extendedunixcodepackedformatforjapanese " },
    [SL_CHARSET_ISO_2022_JP] = { "iso-2022-jp", NULL, " iso2022jp csiso2022jp iso2022jp1 iso2022jp2 jis " },
    [SL_CHARSET_EUC_KR] = { "euc-kr", NULL,
        " euckr cseuckr ksc56011987 ksc56011989 ksc5601 korean isoir149 csksc56011987 windows949 cp949 uhc " },
    [SL_CHARSET_GB18030] = { "gb18030", NULL,
        " gb18030 gbk xgbk cp936 ms936 windows936 gb2312 gb231280 csgb2312 euccn chinese isoir58 csiso58gb231280 " },
    [SL_CHARSET_BIG5] = { "big5", NULL, " big5 csbig5 xxbig5 cnbig5 big5hkscs cp950 windows950 " },
};
/* clang-format on */

#define HIGH_LEN (129 * sizeof(char16_t)) /* 128 characters and the literal's end */
_Static_assert(sizeof iso_8859_1 == HIGH_LEN && sizeof iso_8859_2 == HIGH_LEN && sizeof iso_8859_5 == HIGH_LEN &&
                   sizeof iso_8859_7 == HIGH_LEN && sizeof iso_8859_9 == HIGH_LEN && sizeof iso_8859_15 == HIGH_LEN &&
                   sizeof windows_1250 == HIGH_LEN && sizeof windows_1251 == HIGH_LEN &&
                   sizeof windows_1252 == HIGH_LEN && sizeof windows_1253 == HIGH_LEN &&
                   sizeof windows_1254 == HIGH_LEN && sizeof koi8_r == HIGH_LEN,
               "a table has one character for each byte from 0x80 on");

const char *sl_charset_name(enum sl_charset charset)
{
    return (unsigned)charset < SL_CHARSET_CNT ? charsets[charset].name : "";
}

const char16_t *sl_charset_high(enum sl_charset charset)
{
    return (unsigned)charset < SL_CHARSET_CNT ? charsets[charset].high : NULL;
}

/* Letters in lower case and digits, nothing else, between blanks: so that "ISO_8859-1", "iso8859-1" and "'ISO 8859-1'"
 * are one label.  False when it is longer than any label. */
static bool fold_label(char *folded, size_t cap, const char *label, size_t len)
{
    size_t cnt = 0;
    folded[cnt++] = ' ';
    for (size_t i = 0; i < len; i++) {
        char c = label[i];
        if (c >= 'A' && c <= 'Z')
            c = (char)(c - 'A' + 'a');
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')))
            continue;
        if (cnt + 2 >= cap)
            return false;
        folded[cnt++] = c;
    }
    folded[cnt++] = ' ';
    folded[cnt] = '\0';
    return cnt > 2;
}

enum sl_charset sl_charset_named(const char *label, size_t len)
{
    char folded[48];
    if (!fold_label(folded, sizeof folded, label, len))
        return SL_CHARSET_UNKNOWN;
    for (unsigned charset = SL_CHARSET_UTF8; charset < SL_CHARSET_CNT; charset++) {
        if (strstr(charsets[charset].labels, folded))
            return (enum sl_charset)charset;
    }
    return SL_CHARSET_UNKNOWN;
}

static bool has_bom(const uint8_t *data, uint32_t len, const char *bom, uint32_t bom_len)
{
    return len >= bom_len && memcmp(data, bom, bom_len) == 0;
}

static bool has_c1(const uint8_t *data, uint32_t len)
{
    uint8_t found = 0; /* without a way out on the way, the compiler takes sixteen at once */
    for (uint32_t i = 0; i < len; i++)
        found |= (uint8_t)((uint8_t)(data[i] - 0x80) < 0x20);
    return found != 0;
}

bool sl_charset_is_wide(enum sl_charset charset)
{
    return (charset >= SL_CHARSET_UTF16LE && charset <= SL_CHARSET_UTF32BE) || charset == SL_CHARSET_ISO_2022_JP;
}

/* Which order of UTF-32 has all its characters within Unicode; the label where both or none have. */
static enum sl_charset order_utf32(const uint8_t *data, uint32_t len, enum sl_charset label)
{
    bool is_little = len >= 4 && data[3] == 0 && data[2] <= 0x10, is_big = len >= 4 && data[0] == 0 && data[1] <= 0x10;
    return is_little == is_big ? label : is_big ? SL_CHARSET_UTF32BE : SL_CHARSET_UTF32LE;
}

/* A label cannot know the byte order better than the text: its first character is nearly always a Latin one. */
static enum sl_charset order_utf16(const uint8_t *data, uint32_t len, enum sl_charset label)
{
    if (len >= 2 && data[0] == 0 && data[1] != 0)
        return SL_CHARSET_UTF16BE;
    if (len >= 2 && data[0] != 0 && data[1] == 0)
        return SL_CHARSET_UTF16LE;
    return label;
}

enum sl_charset sl_charset_guess(const uint8_t *data, uint32_t len, enum sl_charset label, uint32_t *bom_len)
{
    *bom_len = 0;
    if (has_bom(data, len, "\xef\xbb\xbf", 3)) {
        *bom_len = 3;
        return SL_CHARSET_UTF8;
    }
    if (has_bom(data, len, "\xff\xfe\0\0", 4) || has_bom(data, len, "\0\0\xfe\xff", 4)) {
        *bom_len = 4;
        return data[0] == 0xff ? SL_CHARSET_UTF32LE : SL_CHARSET_UTF32BE;
    }
    if (has_bom(data, len, "\xff\xfe", 2) || has_bom(data, len, "\xfe\xff", 2)) {
        *bom_len = 2;
        return data[0] == 0xff ? SL_CHARSET_UTF16LE : SL_CHARSET_UTF16BE;
    }
    uint32_t ascii = sl_ascii_prefix(data, len);
    bool is_ascii = ascii == len;
    bool is_utf8 = is_ascii || sl_utf8_prefix(data + ascii, len - ascii) == len - ascii;
    if (sl_charset_is_wide(label) && label != SL_CHARSET_ISO_2022_JP) {
        /* Who could read the label as bytes did not read UTF-16 or UTF-32; which have a NUL at every blank. */
        bool is_bytes = is_utf8 && (len == 0 || !memchr(data, 0, len)), is_16 = label <= SL_CHARSET_UTF16BE;
        return is_bytes ? SL_CHARSET_UTF8 : is_16 ? order_utf16(data, len, label) : order_utf32(data, len, label);
    }
    if (is_utf8 && (label == SL_CHARSET_UNKNOWN || !is_ascii))
        return SL_CHARSET_UTF8;
    if (label == SL_CHARSET_UNKNOWN)
        return SL_CHARSET_WINDOWS_1252;
    if (label == SL_CHARSET_ISO_8859_1 && !is_ascii && has_c1(data + ascii, len - ascii))
        return SL_CHARSET_WINDOWS_1252;
    return label;
}
