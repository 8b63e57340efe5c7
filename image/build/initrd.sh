#!/usr/bin/env bash
# The initrd: busybox, dmsetup, e2fsck, mke2fs, the modules of the board, image/initrd/init, and the hash of this very root.
# shellcheck source=image/build/common.sh
. "$(dirname "$0")/common.sh"

readonly tree=$work/initrd
kernel_version=$(ls "$root/usr/lib/modules")
rm -rf --one-file-system "$tree"
mkdir -p "$tree"/{bin,etc,proc,sys,dev,root,lib/modules,"$libraries","$(dirname "$loader")"}
cp "$root/usr/bin/busybox" "$tree/bin/"
for applet in $("$tree/bin/busybox" --list); do [ -e "$tree/bin/$applet" ] || ln -s busybox "$tree/bin/$applet"; done
cp -L "$root/$loader" "$tree/$loader"
for program in usr/sbin/dmsetup usr/sbin/e2fsck usr/sbin/mke2fs; do
    rm -f "$tree/bin/$(basename "$program")"
    cp "$root/$program" "$tree/bin/"
    for library in $(chroot "$root" "/$loader" --list "/$program" | grep -o '/[^ ]*\.so[^ ]*'); do
        [ "$library" = "/$loader" ] || cp -Ln "$root$library" "$tree/$libraries/"
    done
done

# In load order and decompressed: busybox cannot.
: >"$tree/etc/modules"
for module in "${initrd_modules[@]}"; do
    { modprobe -d "$root" -S "$kernel_version" --show-depends "$module" 2>/dev/null || true; } | awk '$1 == "insmod" {print $2}' |
        while read -r file; do
            name=$(basename "${file%.xz}")
            [ ! -e "$tree/lib/modules/$name" ] || continue
            case $file in
                *.xz) xz -dc "$file" >"$tree/lib/modules/$name" ;;
                *) cp "$file" "$tree/lib/modules/$name" ;;
            esac
            printf '%s\n' "$name" >>"$tree/etc/modules"
        done
done
for module in dm-verity squashfs ext4; do
    grep -q "^$module\.ko" "$tree/etc/modules" || grep -q "/$module\.ko" "$root/usr/lib/modules/$kernel_version/modules.builtin" ||
        die "the kernel has no module $module"
done
cp "$work/verity.conf" "$tree/etc/verity"
install -m 0755 "$source/image/initrd/init" "$tree/init"
find "$tree" -print0 | xargs -0 touch -h -d "@$SOURCE_DATE_EPOCH"
level=19
[ "$QUICK" = no ] || level=6
(cd "$tree" && find . -mindepth 1 -print0 | LC_ALL=C sort -z | cpio -0 -o -H newc --reproducible -R 0:0 --quiet) |
    zstd -q "-$level" -T1 >"$work/initrd.zst"
say "$(stat -c %s "$work/initrd.zst") octets, $(wc -l <"$tree/etc/modules") modules"
