#!/usr/bin/env bash
# A machine for VMware in one file: description, its sums, the disk packed. ova.sh NAME FILE
# shellcheck source=image/build/common.sh
. "$(dirname "$0")/common.sh"

readonly name=$1 file=$2
readonly folder=$work/ova
rm -rf --one-file-system "$folder"
mkdir -p "$folder"
cd "$folder"
quietly qemu-img convert -O vmdk -o subformat=streamOptimized,adapter_type=lsilogic "$made/disk.img" "$name.vmdk"
sed -e "s/@name@/$name/" -e "s/@version@/$VERSION/" -e "s/@size@/$(stat -c %s "$name.vmdk")/" \
    -e "s/@capacity@/$(stat -c %s "$made/disk.img")/" "$source/image/ova.ovf.in" >"$name.ovf"
# The description comes first in the file, and its sums right after it.
for one in "$name.ovf" "$name.vmdk"; do
    printf 'SHA256(%s)= %s\n' "$one" "$(sha256sum "$one" | cut -d ' ' -f 1)"
done >"$name.mf"
tar --format=ustar --owner=0 --group=0 --numeric-owner --mode=0644 --mtime="@$SOURCE_DATE_EPOCH" -cf "$file" \
    "$name.ovf" "$name.mf" "$name.vmdk"
rm -rf --one-file-system "$folder"
