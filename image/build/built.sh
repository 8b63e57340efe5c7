#!/usr/bin/env bash
# In the place of muster.sh: takes Muster from a build folder of this machine, so that nothing is compiled. For tests; what ships
# is built in the builder.
#
#   image/build/built.sh BUILD WORK     run by scripts/image, outside the builder
#
# Beside it lie the libraries that its programs are linked with here: finish.sh takes those that Debian 13 does not have under
# that name. The C library is Debian 13's, which is no older than the one of a machine on which Muster builds.
set -euo pipefail
readonly build=$1 work=$2

die() {
    printf 'image/built: %s\n' "$*" >&2
    exit 1
}
[ -x "$build/bin/musterd-system" ] || die "there is no whole build in $build: scripts/test --stage release makes build/release"
rm -rf --one-file-system "$work/muster" "$work/libraries"
mkdir -p "$work/libraries"
for component in '' box; do
    DESTDIR="$PWD/$work/muster" cmake --install "$build" --strip ${component:+--component "$component"} \
        >>build/image/log/built.log 2>&1 || {
        tail -n 20 build/image/log/built.log >&2
        die "$build does not install; the last words stand above"
    }
done
while IFS= read -r -d '' file; do
    [ "$(head -c 4 "$file" | tail -c 3)" = ELF ] || continue
    missing=$(ldd "$file" | sed -n 's/ => not found$//p')
    [ -z "$missing" ] || die "$file was built for another system: $missing is not here"
    ldd "$file" | sed -n 's/^[[:space:]]*\([^ ]*\) => \(\/[^ ]*\) (.*/\1 \2/p'
done < <(find "$work/muster" -type f -print0) | sort -u | while read -r name from; do
    cp -L "$from" "$work/libraries/$name"
done
printf 'built    %s, linked with %d libraries\n' "$build" "$(find "$work/libraries" -type f | wc -l)"
