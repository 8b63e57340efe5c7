#!/usr/bin/env bash
# Unpacks the packages of the lock, and no others, into the root. Each is compared with the lock first.
# shellcheck source=image/build/common.sh
. "$(dirname "$0")/common.sh"

readonly archive=$work/archive
rm -rf --one-file-system "$archive" "$root"
mkdir -p "$archive"
while read -r name version arch digest file; do
    [ -f "/store/$file" ] ||
        die "$file is not in the store: it is $name $version for $arch, SHA-256 $digest. Put it there, or build without --locked"
    cp --reflink=auto "/store/$file" "$archive/$file"
    printf '%s  %s\n' "$digest" "$archive/$file"
done <"$work/debs.lock" >"$work/sums"
sha256sum --quiet --check "$work/sums" >&2 || die 'files of the store are not what the lock says: take them out of the store'
(cd "$archive" && apt-ftparchive packages . >Packages) 2>/dev/null
names=$(cut -d ' ' -f 1 "$work/debs.lock" | paste -s -d ,)
quietly mmdebstrap --mode=root --variant=extract --architectures="$architecture" --include="$names" \
    --aptopt='Apt::Sandbox::User "root"' --skip=check/qemu --skip=cleanup/apt \
    '' "$root" "deb [trusted=yes] copy://$archive ./"
rm -rf --one-file-system "$archive" "$work/sums" "$root"/var/cache/apt "$root"/var/lib/{apt,dpkg} "$root/etc/apt"
say "$(du -sm --apparent-size "$root" | cut -f 1) MiB unpacked"
