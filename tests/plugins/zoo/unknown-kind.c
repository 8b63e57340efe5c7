/* Characteristics: of kind 77. */
#include "crafted.h"

CRAFTED(unknown_kind) = {CRAFTED_HEAD,       .build_id = MUSTER_BUILD_ID, .name = "unknown-kind",
                         .version = "1.0.0", .create = crafted_create,    .destroy = crafted_destroy,
                         .kind = 77};
