/* Characteristics: its version is at address 8. */
#include "crafted.h"

CRAFTED(wild_text) = {CRAFTED_HEAD,
                      .build_id = MUSTER_BUILD_ID,
                      .name = "wild-text",
                      .version = (const char*)8,
                      .create = crafted_create,
                      .destroy = crafted_destroy,
                      .kind = 6};
