/* What missing-library is linked with, and what no loader finds. */
#include "muster/family.h"

extern MUSTER_EXPORT void* from_the_absent_library(void* host);
void* from_the_absent_library(void* host) {
    return host;
}
