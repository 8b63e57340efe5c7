#!/usr/bin/env bash
# Builds Muster and its plugins as they ship, and lays them out as they lie in the image.
# shellcheck source=image/build/common.sh
. "$(dirname "$0")/common.sh"

cd "$source" || exit
# A warning that g++ 14 has and is wrong about stops no image; scripts/test --debian13 judges warnings.
export CCACHE_IGNOREOPTIONS=-Wno-error=maybe-uninitialized
quietly cmake --preset release -DCMAKE_CXX_FLAGS=-Wno-error=maybe-uninitialized \
    -DCMAKE_INSTALL_PREFIX=/usr -DCMAKE_INSTALL_LIBDIR=lib -DCMAKE_INSTALL_SYSCONFDIR=/etc
if [ "$CHECK" = yes ]; then
    quietly cmake --build --preset release --parallel "$(nproc)"
    quietly ctest --preset release --parallel "$(nproc)" -L unit
    say "$(grep -E 'tests passed' /image/log/muster.log | tail -n 1)"
else
    quietly cmake --build --preset release --parallel "$(nproc)" --target muster_run
fi
rm -rf --one-file-system "$work/muster"
quietly env DESTDIR="$work/muster" cmake --install build/release --strip
