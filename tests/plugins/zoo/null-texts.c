/* Characteristics: no version. */
#include "crafted.h"

CRAFTED(null_texts) = {CRAFTED_HEAD,
                       .build_id = MUSTER_BUILD_ID,
                       .name = "null-texts",
                       .create = crafted_create,
                       .destroy = crafted_destroy,
                       .kind = 6};
