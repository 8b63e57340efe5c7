/* Characteristics: linked with a library that is not on the system. */
#include "crafted.h"

extern void* from_the_absent_library(void* host);

CRAFTED(missing_library) = {CRAFTED_HEAD,       .build_id = MUSTER_BUILD_ID,       .name = "missing-library",
                            .version = "1.0.0", .create = from_the_absent_library, .destroy = crafted_destroy,
                            .kind = 6};
