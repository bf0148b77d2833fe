/* parsers/wmo_codes.c - what the letters of headings, AWIPS ids and VTEC mean, and how pressing each is.
 *
 * Source    Data types: WMO No. 386, part II, attachment II-5, tables A and B1 to B6.  Products: NWSI 10-1701 and the
 *           event codes of NWSI 10-518.  Phenomena and significance: NWSI 10-1703.
 *
 * Urgency, for all three: 1 seconds count (tornado, tsunami, what an explosion or an attacker does); 2 warnings;
 * 3 watches, and warnings of what takes days; 4 advisories and statements; 5 forecasts; 6 what is observed; 8 grids,
 * pictures and satellite data.  An event that has ended has the urgency of a statement.
 */
#include "parsers/wmo.h"
#include <string.h>
#include "parsers/ascii.h"

#define CNT(rows) (sizeof(rows) / sizeof(*(rows)))

/* clang-format off */
static const struct sl_wmo_product products[] = {
    { "ADR", 3, SL_WMO_PLAIN, "Administrative message" },
    { "AFD", 5, SL_WMO_PLAIN, "Area forecast discussion" },
    { "AQA", 4, SL_WMO_PLAIN, "Air quality message" },
    { "AVA", 3, SL_WMO_ALERT, "Avalanche watch" },
    { "AVW", 2, SL_WMO_ALERT, "Avalanche warning" },
    { "BLU", 2, SL_WMO_ALERT, "Blue alert" },
    { "CAE", 2, SL_WMO_ALERT, "Child abduction emergency" },
    { "CDW", 1, SL_WMO_ALERT, "Civil danger warning" },
    { "CEM", 2, SL_WMO_ALERT, "Civil emergency message" },
    { "CFW", 3, SL_WMO_PLAIN, "Coastal flood message" },
    { "CLI", 6, SL_WMO_PLAIN, "Climate report" },
    { "CWF", 5, SL_WMO_PLAIN, "Coastal waters forecast" },
    { "DMO", 6, SL_WMO_TEST,  "Practice or demonstration warning" },
    { "DSW", 2, SL_WMO_ALERT, "Dust storm warning" },
    { "EQR", 4, SL_WMO_PLAIN, "Earthquake report" },
    { "EQW", 1, SL_WMO_ALERT, "Earthquake warning" },
    { "ESF", 4, SL_WMO_PLAIN, "Hydrologic outlook" },
    { "EVI", 1, SL_WMO_ALERT, "Evacuation immediate" },
    { "EWW", 1, SL_WMO_ALERT, "Extreme wind warning" },
    { "FFA", 3, SL_WMO_PLAIN, "Flood watch" },
    { "FFS", 2, SL_WMO_PLAIN, "Flash flood statement" },
    { "FFW", 2, SL_WMO_ALERT, "Flash flood warning" },
    { "FLS", 4, SL_WMO_PLAIN, "Flood statement" },
    { "FLW", 3, SL_WMO_PLAIN, "Flood warning" },
    { "FRW", 1, SL_WMO_ALERT, "Fire warning" },
    { "HLS", 3, SL_WMO_PLAIN, "Hurricane local statement" },
    { "HMW", 1, SL_WMO_ALERT, "Hazardous materials warning" },
    { "HWO", 5, SL_WMO_PLAIN, "Hazardous weather outlook" },
    { "LAE", 2, SL_WMO_ALERT, "Local area emergency" },
    { "LEW", 1, SL_WMO_ALERT, "Law enforcement warning" },
    { "LSR", 4, SL_WMO_PLAIN, "Local storm report" },
    { "MTR", 6, SL_WMO_PLAIN, "Aviation routine weather report" },
    { "MWS", 4, SL_WMO_PLAIN, "Marine weather statement" },
    { "MWW", 3, SL_WMO_PLAIN, "Marine weather message" },
    { "NPW", 3, SL_WMO_PLAIN, "Non-precipitation warning message" },
    { "NUW", 1, SL_WMO_ALERT, "Nuclear power plant warning" },
    { "PNS", 5, SL_WMO_PLAIN, "Public information statement" },
    { "RER", 5, SL_WMO_PLAIN, "Record event report" },
    { "RFW", 3, SL_WMO_PLAIN, "Red flag warning" },
    { "RHW", 1, SL_WMO_ALERT, "Radiological hazard warning" },
    { "RMT", 6, SL_WMO_TEST,  "Required monthly test" },
    { "RVS", 4, SL_WMO_PLAIN, "Hydrologic statement" },
    { "RWT", 6, SL_WMO_TEST,  "Required weekly test" },
    { "SEL", 3, SL_WMO_PLAIN, "Severe local storm watch" },
    { "SMW", 2, SL_WMO_ALERT, "Special marine warning" },
    { "SPS", 4, SL_WMO_PLAIN, "Special weather statement" },
    { "SPW", 1, SL_WMO_ALERT, "Shelter in place warning" },
    { "SQW", 2, SL_WMO_ALERT, "Snow squall warning" },
    { "STQ", 6, SL_WMO_PLAIN, "Spot forecast request" },
    { "SVR", 2, SL_WMO_ALERT, "Severe thunderstorm warning" },
    { "SVS", 2, SL_WMO_PLAIN, "Severe weather statement" },
    { "TAF", 5, SL_WMO_PLAIN, "Terminal aerodrome forecast" },
    { "TCD", 5, SL_WMO_PLAIN, "Tropical cyclone discussion" },
    { "TCM", 3, SL_WMO_PLAIN, "Tropical cyclone forecast advisory" },
    { "TCP", 3, SL_WMO_PLAIN, "Tropical cyclone public advisory" },
    { "TCU", 2, SL_WMO_PLAIN, "Tropical cyclone update" },
    { "TCV", 2, SL_WMO_PLAIN, "Tropical cyclone watches and warnings" },
    { "TIB", 4, SL_WMO_PLAIN, "Tsunami information statement" },
    { "TOE", 2, SL_WMO_ALERT, "911 telephone outage emergency" },
    { "TOR", 1, SL_WMO_ALERT, "Tornado warning" },
    { "TSU", 1, SL_WMO_ALERT, "Tsunami message" },
    { "TWO", 5, SL_WMO_PLAIN, "Tropical weather outlook" },
    { "VOW", 1, SL_WMO_ALERT, "Volcano warning" },
    { "WCN", 3, SL_WMO_PLAIN, "Watch county notification" },
    { "WSW", 3, SL_WMO_PLAIN, "Winter weather message" },
    { "ZFP", 5, SL_WMO_PLAIN, "Zone forecast" },
};

/* By the first two letters of the heading; of one letter where the second makes no difference to us. */
static const struct sl_wmo_product data_types[] = {
    { "CD", 6, SL_WMO_PLAIN, "Climatic data" },
    { "C",  6, SL_WMO_PLAIN, "Climatic data" },
    { "FA", 5, SL_WMO_PLAIN, "Aviation area forecast" },
    { "FC", 5, SL_WMO_PLAIN, "Aerodrome forecasts (TAF)" },
    { "FL", 5, SL_WMO_PLAIN, "Aviation area forecast (GAMET)" },
    { "FN", 3, SL_WMO_PLAIN, "Space weather advisory" },
    { "FT", 5, SL_WMO_PLAIN, "Aerodrome forecasts (TAF)" },
    { "FK", 3, SL_WMO_PLAIN, "Tropical cyclone advisory" },
    { "FV", 3, SL_WMO_PLAIN, "Volcanic ash advisory" },
    { "FW", 5, SL_WMO_PLAIN, "Public forecast" },
    { "F",  5, SL_WMO_PLAIN, "Forecast" },
    { "NO", 5, SL_WMO_PLAIN, "Operational notice" },
    { "N",  5, SL_WMO_PLAIN, "Notice" },
    { "SA", 6, SL_WMO_PLAIN, "Aviation routine weather reports (METAR)" },
    { "SE", 4, SL_WMO_PLAIN, "Seismic data" },
    { "SI", 6, SL_WMO_PLAIN, "Synoptic observations" },
    { "SM", 6, SL_WMO_PLAIN, "Synoptic observations" },
    { "SN", 6, SL_WMO_PLAIN, "Synoptic observations" },
    { "SP", 5, SL_WMO_PLAIN, "Special aviation weather reports (SPECI)" },
    { "SR", 6, SL_WMO_PLAIN, "River data" },
    { "SW", 3, SL_WMO_PLAIN, "Sea level and wave data" },
    { "S",  6, SL_WMO_PLAIN, "Surface observations" },
    { "U",  6, SL_WMO_PLAIN, "Upper-air observations" },
    { "WA", 4, SL_WMO_ALERT, "AIRMET" },
    { "WC", 2, SL_WMO_ALERT, "Tropical cyclone SIGMET" },
    { "WE", 1, SL_WMO_ALERT, "Tsunami" },
    { "WF", 1, SL_WMO_ALERT, "Tornado warning" },
    { "WG", 3, SL_WMO_PLAIN, "Hydrological or flash flood statement" },
    { "WH", 2, SL_WMO_ALERT, "Marine or coastal flood warning" },
    { "WO", 3, SL_WMO_ALERT, "Warning" },
    { "WR", 3, SL_WMO_ALERT, "Humanitarian or flood warning" },
    { "WS", 3, SL_WMO_ALERT, "SIGMET" },
    { "WT", 2, SL_WMO_ALERT, "Tropical cyclone warning" },
    { "WU", 2, SL_WMO_ALERT, "Severe thunderstorm warning" },
    { "WV", 2, SL_WMO_ALERT, "Volcanic ash SIGMET" },
    { "WW", 3, SL_WMO_PLAIN, "Warnings and weather summary" },
    { "W",  3, SL_WMO_ALERT, "Warning" },
    { "A",  6, SL_WMO_PLAIN, "Analysis" },
    { "X",  4, SL_WMO_PLAIN, "Common alert protocol message" },
};

static const struct sl_wmo_product unknown_product = { "", 8, SL_WMO_PLAIN, NULL };

static const struct {
    char code[3];
    uint8_t warning_urgency;
    const char *name;
} phenomena[] = {
    { "AF", 2, "Ashfall" },             { "AS", 4, "Air Stagnation" },      { "BH", 3, "Beach Hazard" },
    { "BS", 3, "Blowing Snow" },        { "BW", 3, "Brisk Wind" },          { "BZ", 2, "Blizzard" },
    { "CF", 2, "Coastal Flood" },       { "CW", 3, "Cold Weather" },        { "DF", 2, "Debris Flow" },
    { "DS", 2, "Dust Storm" },          { "DU", 3, "Blowing Dust" },        { "EC", 3, "Extreme Cold" },
    { "EH", 3, "Excessive Heat" },      { "EW", 1, "Extreme Wind" },        { "FA", 2, "Flood" },
    { "FF", 2, "Flash Flood" },         { "FG", 3, "Dense Fog" },           { "FL", 3, "Flood" },
    { "FR", 4, "Frost" },               { "FW", 3, "Red Flag" },            { "FZ", 3, "Freeze" },
    { "GL", 3, "Gale" },                { "HF", 2, "Hurricane Force Wind" },{ "HI", 2, "Inland Hurricane Wind" },
    { "HS", 3, "Heavy Snow" },          { "HT", 3, "Heat" },                { "HU", 2, "Hurricane" },
    { "HW", 2, "High Wind" },           { "HY", 3, "Hydrologic" },          { "HZ", 3, "Hard Freeze" },
    { "IP", 3, "Sleet" },               { "IS", 2, "Ice Storm" },           { "LB", 3, "Blowing Lake Snow" },
    { "LE", 3, "Lake Effect Snow" },    { "LO", 4, "Low Water" },           { "LS", 3, "Lakeshore Flood" },
    { "LW", 3, "Lake Wind" },           { "MA", 2, "Marine" },              { "MF", 3, "Marine Dense Fog" },
    { "MH", 2, "Marine Ashfall" },      { "MS", 3, "Marine Dense Smoke" },  { "RB", 4, "Small Craft for Rough Bar" },
    { "RP", 3, "Rip Current" },         { "SB", 3, "Snow and Blowing Snow" },{ "SC", 4, "Small Craft" },
    { "SE", 3, "Hazardous Seas" },      { "SI", 4, "Small Craft for Winds" },{ "SM", 3, "Dense Smoke" },
    { "SN", 3, "Snow" },                { "SQ", 2, "Snow Squall" },         { "SR", 3, "Storm" },
    { "SS", 2, "Storm Surge" },         { "SU", 3, "High Surf" },           { "SV", 2, "Severe Thunderstorm" },
    { "SW", 4, "Small Craft for Hazardous Seas" },                          { "TI", 2, "Inland Tropical Storm Wind" },
    { "TO", 1, "Tornado" },             { "TR", 2, "Tropical Storm" },      { "TS", 1, "Tsunami" },
    { "TY", 2, "Typhoon" },             { "UP", 3, "Freezing Spray" },      { "WC", 3, "Wind Chill" },
    { "WI", 3, "Wind" },                { "WS", 3, "Winter Storm" },        { "WW", 3, "Winter Weather" },
    { "XH", 3, "Extreme Heat" },        { "ZF", 3, "Freezing Fog" },        { "ZR", 3, "Freezing Rain" },
    { "ZY", 3, "Freezing Spray" },
};

static const struct {
    char code;
    uint8_t least; /* no event of this significance is more pressing */
    const char *name;
} significances[] = {
    { 'W', 1, "Warning" },  { 'A', 3, "Watch" },    { 'Y', 4, "Advisory" }, { 'S', 4, "Statement" },
    { 'F', 5, "Forecast" }, { 'O', 5, "Outlook" },  { 'N', 5, "Synopsis" },
};
/* clang-format on */

const struct sl_wmo_product *sl_wmo_product_of(struct sl_span awips, struct sl_span ttaaii)
{
    for (size_t i = 0; awips.len > 3 && i < CNT(products); i++) {
        if (memcmp(awips.data, products[i].code, 3) == 0)
            return &products[i];
    }
    for (size_t i = 0; i < CNT(data_types); i++) {
        uint32_t len = (uint32_t)strlen(data_types[i].code);
        if (ttaaii.len > len && memcmp(ttaaii.data, data_types[i].code, len) == 0)
            return &data_types[i];
    }
    return &unknown_product;
}

const char *sl_wmo_data_type(struct sl_span ttaaii)
{
    return sl_wmo_product_of((struct sl_span){ NULL, 0 }, ttaaii)->name;
}

static size_t find_phenomenon(const char code[2])
{
    size_t i = 0;
    while (i < CNT(phenomena) && memcmp(phenomena[i].code, code, 2) != 0)
        i++;
    return i;
}

static size_t find_significance(char code)
{
    size_t i = 0;
    while (i < CNT(significances) && significances[i].code != code)
        i++;
    return i;
}

const char *sl_wmo_phenomenon(const char phenomenon[2])
{
    size_t i = find_phenomenon(phenomenon);
    return i < CNT(phenomena) ? phenomena[i].name : NULL;
}

const char *sl_wmo_significance(char significance)
{
    size_t i = find_significance(significance);
    return i < CNT(significances) ? significances[i].name : NULL;
}

bool sl_wmo_event_has_ended(const struct sl_wmo_event *event)
{
    return memcmp(event->action, "CAN", 3) == 0 || memcmp(event->action, "EXP", 3) == 0 ||
           memcmp(event->action, "UPG", 3) == 0;
}

uint8_t sl_wmo_event_urgency(const struct sl_wmo_event *event)
{
    size_t i = find_phenomenon(event->phenomenon), j = find_significance(event->significance);
    uint8_t urgency = i < CNT(phenomena) ? phenomena[i].warning_urgency : 3;
    uint8_t least = j < CNT(significances) ? significances[j].least : 4;
    if (sl_wmo_event_has_ended(event))
        least = 4;
    return urgency > least ? urgency : least;
}

bool sl_wmo_is_coded(struct sl_span ttaaii)
{
    const uint8_t *type = ttaaii.data;
    return type[0] == 'U' || (type[0] == 'S' && type[1] != 'E' && type[1] != 'R' && type[1] != 'X') ||
           (type[0] == 'F' && (type[1] == 'C' || type[1] == 'T'));
}
