#!/usr/bin/env bash
# Makes the unpacked tree a root: Muster, our files, users, units, modules; what no box needs goes.
# shellcheck source=image/build/common.sh
. "$(dirname "$0")/common.sh"

kernel_version=$(ls "$root/usr/lib/modules")
in_root() { chroot "$root" "$@"; }
mkdir -p "$root"/{data,efi,proc,sys,dev,run,tmp,var,etc/muster,etc/rauc}

# Ours over theirs.
cp -rT --no-preserve=ownership "$work/muster" "$root"
# A build of another machine lies below the prefix that it was made for.
for prefix in usr usr/local; do
    rm -rf "$root"/etc/muster/* "$root/$prefix"/lib/tmpfiles.d/muster.conf "$root/$prefix"/lib/sysusers.d/muster.conf \
        "$root/$prefix/sbin/muster-client" "$root/$prefix/share/man"
done
if [ -d "$work/libraries" ]; then
    mkdir -p "$root/usr/lib/muster/libraries"
    for library in "$work"/libraries/*; do
        name=$(basename "$library")
        [ -n "$(find "$root/usr/lib" "$root/usr/lib64" -name "$name" -print -quit)" ] || cp "$library" "$root/usr/lib/muster/libraries/"
    done
    echo /usr/lib/muster/libraries >>"$root/etc/ld.so.conf"
    say "libraries of another system: $(find "$root/usr/lib/muster/libraries" -type f | wc -l)"
fi
cp -rT --no-preserve=ownership,mode "$source/image/root" "$root"
chmod 0755 "$root"/usr/lib/muster/{console,bless}

# What says who this is.
cat >"$root/usr/lib/os-release" <<RELEASE
ID=muster
NAME="Muster"
PRETTY_NAME="Muster $VERSION"
VERSION_ID=$VERSION
IMAGE_ID=muster-$BOARD
IMAGE_VERSION=$VERSION
DEFAULT_HOSTNAME=muster
RELEASE
ln -sf ../usr/lib/os-release "$root/etc/os-release"
: >"$root/etc/machine-id"  # the initrd lays the box's own over it
ln -sf ../run/systemd/resolve/stub-resolv.conf "$root/etc/resolv.conf"
ln -sf ../proc/self/mounts "$root/etc/mtab"
ln -sf ../run/muster-system/localtime "$root/etc/localtime"  # musterd-system makes it
: >"$root/usr/lib/clock-epoch"  # no clock is before it

# RAUC: whose bundles are taken, and where they go.
sed -e "s/@compatible@/$compatible/" -e "s/@version@/$VERSION/" "$source/image/rauc/system.conf.in" >"$root/etc/rauc/system.conf"
install -m 0644 "$keyring" "$root/etc/rauc/keyring.pem"
! grep -q -- '-----BEGIN X509 CRL-----' "$keyring" || sed -i 's/^check-crl=.*/check-crl=true/' "$root/etc/rauc/system.conf"
install -m 0755 /usr/bin/grub-editenv "$root/usr/bin/grub-editenv"

# Users, as base-passwd's and the others' scripts would have made them, under numbers of our own.
install -m 0644 "$root/usr/share/base-passwd/passwd.master" "$root/etc/passwd"
install -m 0644 "$root/usr/share/base-passwd/group.master" "$root/etc/group"
quietly in_root /usr/bin/systemd-sysusers
# Nobody logs in: no password, no shell.
sed -i 's,:[^:]*$,:/usr/sbin/nologin,' "$root/etc/passwd"
sed -i 's/^\([^:]*\):[^:]*:[^:]*:/\1:!*:20000:/' "$root/etc/shadow"
rm -f "$root"/etc/{*-,.pwd.lock}

# busybox for what units and our scripts call and nothing else in the root provides.
while read -r applet; do
    [ -e "$root/usr/bin/$applet" ] || [ -e "$root/usr/sbin/$applet" ] || ln -s busybox "$root/usr/bin/$applet"
done < <(in_root /usr/bin/busybox --list)
[ -e "$root/usr/bin/sh" ] || ln -s busybox "$root/usr/bin/sh"

# Exactly the units of our preset.
find "$root/etc/systemd/system" -mindepth 1 -delete
quietly in_root /usr/bin/systemctl preset-all
for unit in systemd-networkd-wait-online.service getty.target getty@.service serial-getty@.service autovt@.service \
    console-getty.service debug-shell.service rescue.service emergency.service rauc-mark-good.service fstrim.timer \
    e2scrub_all.timer e2scrub_reap.service systemd-pstore.service apt-daily.timer dpkg-db-backup.timer \
    systemd-firstboot.service systemd-hwdb-update.service ldconfig.service systemd-machine-id-commit.service \
    systemd-journal-catalog-update.service systemd-update-done.service systemd-binfmt.service systemd-sysusers.service \
    proc-sys-fs-binfmt_misc.automount systemd-tpm2-setup.service systemd-tpm2-setup-early.service systemd-logind.service \
    systemd-user-sessions.service systemd-hibernate-clear.service dev-hugepages.mount dev-mqueue.mount sys-kernel-debug.mount \
    sys-kernel-tracing.mount sys-fs-fuse-connections.mount systemd-ask-password-console.path \
    systemd-ask-password-wall.path; do
    ln -sf /dev/null "$root/etc/systemd/system/$unit"
done

# The kernel goes into the boot partition; of its modules those stay that such a machine can need.
rm -rf "$work/vmlinuz"
cp "$root/boot/vmlinuz-$kernel_version" "$work/vmlinuz"
rm -rf "${root:?}"/boot/*
for directory in "${modules_drop[@]}"; do rm -rf "$root/usr/lib/modules/$kernel_version/kernel/$directory"; done
quietly depmod -b "$root" "$kernel_version"

while read -r path; do
    # shellcheck disable=SC2086  # patterns
    (cd "$root" && shopt -s nullglob dotglob && rm -rf --one-file-system -- $path)
done < <(listed "$source/image/remove.list")
find "$root/usr/share/doc" -mindepth 1 ! -name copyright ! -type d -delete
find "$root/usr/share/doc" -mindepth 1 -type d -empty -delete
quietly ldconfig -r "$root"
rm -rf "${root:?}"/{var,tmp,run}/*
find "$root" -newermt "@$SOURCE_DATE_EPOCH" -print0 | xargs -0 --no-run-if-empty touch -h -d "@$SOURCE_DATE_EPOCH"

say "$(du -sm --apparent-size "$root" | cut -f 1) MiB, of it modules $(du -sm "$root/usr/lib/modules" | cut -f 1) MiB"
