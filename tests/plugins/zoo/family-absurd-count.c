/* Characteristics: four thousand million products, of which one is there. */
#include "crafted_family.h"

ZOO_TABLES(0x40);
MUSTER_FAMILY(absurd_count) = {MUSTER_FAMILY_HEAD,    .name = "absurd-count",         .version = "1.0.0",
                               .display_name = "Zoo", .application = ZOO_APPLICATION, .application_name = "Windows",
                               .counted = counted,    .counted_count = UINT32_MAX,    .key_count = 1,
                               .keys = keys};
