#!/usr/bin/env bash
# The disk: boot loader with its configuration inside, empty data, and everything in its partition: disk.img.
# shellcheck source=image/build/common.sh
. "$(dirname "$0")/common.sh"

readonly folder=$source/board/$BOARD
readonly uuid=6d757374-6572-4000-8000-64617461696d
parts=$work/parts
rm -rf --one-file-system "$parts"
mkdir -p "$parts"/{memdisk,empty,tmp}

install -m 0644 "$folder/grub.cfg" "$parts/memdisk/grub.cfg"
tar --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner -C "$parts/memdisk" \
    -cf "$parts/memdisk.tar" grub.cfg
quietly grub-mkimage -O "$grub_format" -o "$parts/$grub_file" -p /EFI/muster -m "$parts/memdisk.tar" -c "$folder/early.cfg" \
    "${grub_modules[@]}"
quietly grub-editenv "$parts/grubenv" create
quietly grub-editenv "$parts/grubenv" set ORDER='A B' A_OK=1 A_TRY=0 B_OK=0 B_TRY=0
touch -d "@$SOURCE_DATE_EPOCH" "$parts/$grub_file" "$parts/grubenv"
quietly mkfs.vfat --invariant -C -i 4d555345 -n MUSTERESP "$parts/esp.img" $((esp_size * 1024))
quietly mmd -i "$parts/esp.img" ::EFI ::EFI/BOOT ::EFI/muster
quietly mcopy -m -i "$parts/esp.img" "$parts/$grub_file" "::EFI/BOOT/$grub_file"
quietly mcopy -m -i "$parts/esp.img" "$parts/grubenv" ::EFI/muster/grubenv

truncate -s "${data_size}M" "$parts/data.img"
# The fields of lasting times come from SOURCE_DATE_EPOCH, what is random from the number below.
quietly mkfs.ext4 -q -L data -m 1 -U "$uuid" -E "hash_seed=$uuid,lazy_itable_init=0" "$parts/data.img"

ln "$made/boot.img" "$made/root.img" "$parts/"
sed -e "s/@boot_size@/$boot_size/" -e "s/@root_size@/$root_size/" "$folder/genimage.cfg" >"$parts/genimage.cfg"
rm -f "$made/disk.img"
quietly genimage --config "$parts/genimage.cfg" --inputpath "$parts" --outputpath "$made" --rootpath "$parts/empty" \
    --tmppath "$parts/tmp"
rm -rf --one-file-system "$parts"
