/* Characteristics: none. Built by hand like its neighbours, and fit: the layout in crafted.h is the SDK's. */
#include "crafted.h"

CRAFTED(crafted) = {CRAFTED_HEAD, CRAFTED_BODY("crafted")};
