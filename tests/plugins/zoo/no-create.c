/* Characteristics: nothing to create it with. */
#include "crafted.h"

CRAFTED(no_create) = {CRAFTED_HEAD,       .build_id = MUSTER_BUILD_ID, .name = "no-create",
                      .version = "1.0.0", .destroy = crafted_destroy,  .kind = 6};
