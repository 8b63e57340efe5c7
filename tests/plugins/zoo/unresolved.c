/* Characteristics: calls a function that nobody has, from code that no test reaches. */
#include "crafted.h"

extern void* function_that_nobody_has(void* host);

CRAFTED(unresolved) = {CRAFTED_HEAD,       .build_id = MUSTER_BUILD_ID,        .name = "unresolved",
                       .version = "1.0.0", .create = function_that_nobody_has, .destroy = crafted_destroy,
                       .kind = 6};
