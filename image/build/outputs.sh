#!/usr/bin/env bash
# Lays what was made where the caller wants it, under its lasting names; prints sizes and ends with 1 beyond the bounds.
# shellcheck source=image/build/common.sh
. "$(dirname "$0")/common.sh"

readonly name=muster-$VERSION-$BOARD
readonly out=/out
# As with every file here: renamed when it is whole.
put() { # FILE NAME
    cp --sparse=always --reflink=auto "$1" "$out/.$2.new"
    mv "$out/.$2.new" "$out/$2"
}
if [ -n "${AGAIN:-}" ]; then
    put "$made/muster.raucb" "$name.raucb"
    say "$name.raucb"
    exit 0
fi
level=19
[ "$QUICK" = no ] || level=3
zstd -q -f -T0 "-$level" --long=27 "$made/disk.img" -o "$made/disk.img.zst"
quietly qemu-img convert -O qcow2 "$made/disk.img" "$made/disk.qcow2"
files=("$name.img" "$name.img.zst" "$name.qcow2" "$name.raucb" debs.lock)
rm -f "$out/$name.cdx.json"
# No list is better than one that does not know the libraries of another system.
if [ ! -d "$work/libraries" ]; then
    "$source/image/build/sbom.py" "$work/debs.lock" "$source" "$VERSION" "$BOARD" "$SOURCE_DATE_EPOCH" >"$made/cdx.json"
    put "$made/cdx.json" "$name.cdx.json"
    files+=("$name.cdx.json")
fi
# For Hyper-V and VMware. Not where a test is in a hurry: nothing of it is looked at there.
rm -f "$out/$name.vhdx" "$out/$name.ova"
if [ "$QUICK" = no ]; then
    quietly qemu-img convert -O vhdx -o subformat=dynamic "$made/disk.img" "$made/disk.vhdx"
    put "$made/disk.vhdx" "$name.vhdx"
    "$source/image/build/ova.sh" "$name" "$made/disk.ova"
    put "$made/disk.ova" "$name.ova"
    files+=("$name.vhdx" "$name.ova")
fi
put "$made/disk.img" "$name.img"
put "$made/disk.img.zst" "$name.img.zst"
put "$made/disk.qcow2" "$name.qcow2"
put "$made/muster.raucb" "$name.raucb"
put "$work/debs.lock" debs.lock
(cd "$out" && sha256sum "${files[@]}" >SHA256SUMS)
rm -f "$out/SHA256SUMS.sig"
# A release is signed where its key is: docs/release.md.
[ -n "${RELEASE:-}" ] ||
    openssl dgst -sha256 -sign "$source/image/keys/dev/signer.key.pem" -out "$out/SHA256SUMS.sig" "$out/SHA256SUMS"

mib() { awk -v octets="$(stat -c %s "$1")" 'BEGIN {printf "%.1f", octets / 1048576}'; }
beyond=0
row() { # WHAT FILE [LIMIT]
    local size
    size=$(mib "$2")
    if [ -n "${3:-}" ] && awk -v a="$size" -v b="$3" 'BEGIN {exit !(a > b)}'; then
        printf '  %-22s %8s MiB   TOO LARGE: at most %s\n' "$1" "$size" "$3"
        beyond=1
    else
        printf '  %-22s %8s MiB   %s\n' "$1" "$size" "${3:+of at most $3}"
    fi
}
row 'root and hash tree' "$made/root.img" "$root_limit"
row 'boot' "$made/boot.img" "$boot_size"
row 'update bundle' "$out/$name.raucb"
row 'disk, compressed' "$out/$name.img.zst" "$compressed_limit"
row 'disk, qcow2' "$out/$name.qcow2"
[ "$QUICK" = yes ] || row 'disk, vhdx' "$out/$name.vhdx"
[ "$QUICK" = yes ] || row 'machine, ova' "$out/$name.ova"
row 'disk' "$out/$name.img"
[ "$beyond" -eq 0 ] || die 'beyond the bounds of board.conf: what grew stands in the list of packages above, or build without --quick'
