#!/usr/bin/env bash
# Kernel, initrd and stub as one EFI program, in the file system of a boot partition: boot.img.
# shellcheck source=image/build/common.sh
. "$(dirname "$0")/common.sh"

quietly ukify build --linux="$work/vmlinuz" --initrd="$work/initrd.zst" --os-release="@$root/usr/lib/os-release" \
    --uname="$(ls "$root/usr/lib/modules")" --cmdline="console=ttyS0" --stub="/usr/lib/systemd/boot/efi/$efi_stub" \
    --output="$work/muster.efi"
touch -d "@$SOURCE_DATE_EPOCH" "$work/muster.efi"
size=$(($(stat -c %s "$work/muster.efi") / 1048576 + 4))
[ "$size" -le "$boot_size" ] || die "boot.img takes $size MiB, its partition has $boot_size: board/$BOARD/board.conf"
rm -f "$made/boot.img"
quietly mkfs.vfat --invariant -C -i 4d555354 -n MUSTERBOOT "$made/boot.img" $((size * 1024))
quietly mcopy -m -i "$made/boot.img" "$work/muster.efi" ::muster.efi
say "$(stat -c %s "$work/muster.efi") octets"
