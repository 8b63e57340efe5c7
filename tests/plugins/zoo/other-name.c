/* Characteristics: file and symbol say other-name, the descriptor says heartbeat. */
#include "crafted.h"

CRAFTED(other_name) = {CRAFTED_HEAD, CRAFTED_BODY("heartbeat")};
