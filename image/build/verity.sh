#!/usr/bin/env bash
# Squashes the root and appends its hash tree: root.img, and in verity.conf what the initrd needs to check it.
# shellcheck source=image/build/common.sh
. "$(dirname "$0")/common.sh"

level=19
[ "$QUICK" = no ] || level=6
rm -f "$made/root.img"
quietly mksquashfs "$root" "$made/root.img" -comp zstd -Xcompression-level "$level" -b 256K -noappend -quiet -no-progress \
    -no-xattrs -all-root
size=$((($(stat -c %s "$made/root.img") + 4095) / 4096 * 4096))
truncate -s "$size" "$made/root.img"
# Any salt will do that is the same for the same version: the content is public.
salt=$(printf 'muster-%s-%s' "$BOARD" "$VERSION" | sha256sum | cut -d ' ' -f 1)
hash=$(veritysetup format --no-superblock --hash=sha256 --data-block-size=4096 --hash-block-size=4096 --salt="$salt" \
    --data-blocks=$((size / 4096)) --hash-offset="$size" "$made/root.img" "$made/root.img" | awk '/^Root hash/ {print $3}')
[ ${#hash} -eq 64 ] || die 'veritysetup printed no root hash: is cryptsetup-bin in image/builder.list, and the disk not full?'
printf 'HASH=%s\nSALT=%s\nBLOCKS=%s\n' "$hash" "$salt" "$((size / 4096))" >"$work/verity.conf"
