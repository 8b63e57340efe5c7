/* Characteristics: a display name of 200 octets without an end. */
#include "crafted_family.h"

#define TEN 'x', 'x', 'x', 'x', 'x', 'x', 'x', 'x', 'x', 'x'
#define FIFTY TEN, TEN, TEN, TEN, TEN
static const char endless[200] = {FIFTY, FIFTY, FIFTY, FIFTY};

ZOO_TABLES(0x40);
MUSTER_FAMILY(endless_text) = {MUSTER_FAMILY_HEAD,
                               .name = "endless-text",
                               .version = "1.0.0",
                               .display_name = endless,
                               .application = ZOO_APPLICATION,
                               .application_name = "Windows",
                               .counted = counted,
                               .counted_count = 1,
                               .key_count = 1,
                               .keys = keys};
