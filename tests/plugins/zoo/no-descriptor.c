/* Characteristics: a library like any other; it exports no descriptor. */
#include "muster/family.h"

extern MUSTER_EXPORT const int something_else;
const int something_else = 1;
