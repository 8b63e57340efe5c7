#!/usr/bin/env bash
# Builds Muster and its plugins as they ship, and lays them out as they lie in the image.
# shellcheck source=image/build/common.sh
. "$(dirname "$0")/common.sh"

cd "$source" || exit
# g++ 14 follows values into the standard library and is wrong there at times: such a warning stops no image.
# scripts/test --debian13 judges warnings.
flags='-Wno-error=maybe-uninitialized -Wno-error=stringop-overflow -Wno-error=stringop-overread -Wno-error=array-bounds'
if [ -n "${FRESH:-}" ]; then  # what is compared is compiled again
    rm -rf --one-file-system build/release
    export CCACHE_DISABLE=1
fi
export CCACHE_IGNOREOPTIONS='-Wno-error=*'
quietly cmake --preset release -DCMAKE_CXX_FLAGS="$flags -Wno-error=restrict -Wno-error=free-nonheap-object" \
    -DCMAKE_INSTALL_PREFIX=/usr -DCMAKE_INSTALL_LIBDIR=lib -DCMAKE_INSTALL_SYSCONFDIR=/etc
if [ "$UNIT" = yes ]; then
    quietly cmake --build --preset release --parallel "$(nproc)"
    quietly ctest --preset release --parallel "$(nproc)" -L unit
    say "$(grep -E 'tests passed' /image/log/muster.log | tail -n 1)"
else
    quietly cmake --build --preset release --parallel "$(nproc)" --target muster_run -- -k 0
fi
rm -rf --one-file-system "$work/muster" "$work/libraries"
quietly env DESTDIR="$work/muster" cmake --install build/release --strip
quietly env DESTDIR="$work/muster" cmake --install build/release --strip --component box
