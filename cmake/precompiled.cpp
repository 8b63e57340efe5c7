// Carries the precompiled header of the builds that only test (MUSTER_PRECOMPILED).
