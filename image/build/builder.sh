#!/usr/bin/env bash
# Makes the builder, or brings it up to its lists: a Debian 13 in build/image/builder/root, in which all other steps run.
#
#   image/build/builder.sh tools|compiler SOURCES     run by scripts/image, as root; SOURCES: lines for apt, kept in no file
#
# tools: what makes, signs and boots an image; compiler: also what Muster is built with.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

readonly needs=$1 sources=$2
readonly builder=build/image/builder/root
readonly log=build/image/log/builder.log
mkdir -p "$(dirname "$log")" "$builder"

die() {
    printf 'image/builder: %s\n' "$*" >&2
    exit 1
}
fail() { # WHAT
    tail -n 30 "$log" >&2
    die "$1; the last words stand above, all of them in $log. Mirror: MUSTER_MIRROR says another"
}

mapfile -t packages < <({
    sed -e 's/#.*//' -e 's/[[:space:]]*$//' -e '/^$/d' image/builder.list
    # Those that are there stay: no run takes away what the one before needed.
    if [ "$needs" = compiler ] || [ -e "$builder/.muster-compiler" ]; then
        scripts/setup --list run
        printf '%s\n' nodejs npm
    fi
} | sort -u)
wanted=$(printf '%s\n' "${packages[@]}" | sha256sum | cut -d ' ' -f 1)
[ "$(cat "$builder/.muster-builder" 2>/dev/null)" != "$wanted" ] || exit 0

began=$SECONDS
if [ ! -e "$builder/.complete" ]; then
    echo 'builder  a Debian 13 of its own, once'
    rm -rf --one-file-system "$builder"
    mkdir -p "$builder"
    printf '%s\n' "$sources" | mmdebstrap --variant=apt --include=ca-certificates trixie "$builder" - >"$log" 2>&1 ||
        fail 'mmdebstrap could not make it'
    touch "$builder/.complete"
fi
echo "builder  ${#packages[@]} packages and what they need"
in_builder() { chroot "$builder" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@"; }
apt() {
    in_builder ${http_proxy:+http_proxy="$http_proxy"} ${https_proxy:+https_proxy="$https_proxy"} \
        apt-get -q -y -o Dir::Etc::SourceList=/run/muster.list -o Dir::Etc::SourceParts=/dev/null \
        -o APT::Install-Recommends=false -o Dpkg::Use-Pty=0 -o Dpkg::Options::=--force-unsafe-io "$@" >>"$log" 2>&1
}
mount -t proc proc "$builder/proc"
mount -t tmpfs run "$builder/run"  # the list of sources goes with it
mount --rbind /dev "$builder/dev"
printf '%s\n' "$sources" >"$builder/run/muster.list"
printf '#!/bin/sh\nexit 101\n' >"$builder/usr/sbin/policy-rc.d"
chmod 0755 "$builder/usr/sbin/policy-rc.d"
cp /etc/resolv.conf "$builder/etc/resolv.conf"
apt update || fail 'apt-get update failed'
apt dist-upgrade || fail 'apt-get dist-upgrade failed'
apt install "${packages[@]}" || fail 'apt-get could not install them'
apt clean
rm -f "$builder/etc/apt/sources.list" "$builder"/etc/apt/sources.list.d/*
rm -rf --one-file-system "$builder"/var/lib/apt/lists/*
[ "$needs" = tools ] || : >"$builder/.muster-compiler"
printf '%s\n' "$wanted" >"$builder/.muster-builder"
echo "builder  done in $((SECONDS - began)) s"
