/* Characteristics: a terminal's escape sequence in a display name. */
#include "crafted_family.h"

ZOO_TABLES(0x40);
MUSTER_FAMILY(escape) = {MUSTER_FAMILY_HEAD,
                         .name = "escape",
                         .version = "1.0.0",
                         .display_name = "\033[2J Zoo",
                         .application = ZOO_APPLICATION,
                         .application_name = "Windows",
                         .counted = counted,
                         .counted_count = 1,
                         .key_count = 1,
                         .keys = keys};
