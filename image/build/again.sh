#!/usr/bin/env bash
# The root of the last run under another version: what the steps after this one make an update bundle of.
# shellcheck source=image/build/common.sh
. "$(dirname "$0")/common.sh"

readonly last=/image/$BOARD
for file in vmlinuz root/usr/lib/os-release; do
    [ -e "$last/$file" ] || die 'there is no root of a run before: first without --again'
done
rm -rf --one-file-system "$work"
mkdir -p "$made"
cp -a "$last/root" "$root"
cp "$last/vmlinuz" "$work/"
sed -i -e "s/^\(VERSION_ID\|IMAGE_VERSION\)=.*/\1=$VERSION/" -e "s/^PRETTY_NAME=.*/PRETTY_NAME=\"Muster $VERSION\"/" \
    "$root/usr/lib/os-release"
sed -i "s/^min-bundle-version=.*/min-bundle-version=$VERSION/" "$root/etc/rauc/system.conf"
