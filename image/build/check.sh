#!/usr/bin/env bash
# Compares what two runs made, /out and second/: the same octets in every file; in the bundle, whose signature and hash tree are
# new each time, the same content. Ends with 1 if anything differs.
# shellcheck source=image/build/common.sh
. "$(dirname "$0")/common.sh"

readonly first=/out second=$work/second
readonly bundle=muster-$VERSION-$BOARD.raucb
different=0
differs() {
    printf '%-8s %s differs\n' "$step" "$1" >&2
    different=$((different + 1))
}
count=0
while read -r _ file; do
    case $file in
        "$bundle") continue ;;
        # Their formats want an identifier that no two files share: what a machine reads of them is compared.
        *.vhdx) qemu-img compare -q "$first/$file" "$second/$file" || differs "the content of $file" ;;
        *.ova)
            for one in first second; do
                mkdir -p "$work/ova/$one"
                tar -C "$work/ova/$one" -xf "${!one}/$file"
            done
            qemu-img compare -q "$work/ova"/{first,second}/"${file%.ova}.vmdk" || differs "the content of $file"
            rm -rf --one-file-system "$work/ova"
            ;;
        *) cmp -s "$first/$file" "$second/$file" || differs "$file" ;;
    esac
    count=$((count + 1))
done <"$second/SHA256SUMS"
[ "$count" -ge 4 ] || die "only $count files were compared: what did the second run make?"

rm -rf --one-file-system "$work/unpacked"
mkdir -p "$work/unpacked"
for one in first second; do
    quietly unsquashfs -q -n -d "$work/unpacked/$one" "${!one}/$bundle"
done
count=$((count + $(find "$work/unpacked/first" -type f | wc -l)))
diff -rq "$work/unpacked/first" "$work/unpacked/second" >&2 || differs "the content of $bundle"
rm -rf --one-file-system "$work/unpacked"
[ "$different" -eq 0 ] || die "$different of $count files differ between two runs"
say "$count files are the same in two runs"
