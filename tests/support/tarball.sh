#!/usr/bin/env bash
# tarball.sh BUILD WORK: makes the tarball in BUILD, unpacks it read-only under WORK, builds it out of tree and installs it into a
# folder there; then the installed programs must start. What `make distcheck` does, without running the tests a second time.
# SPDX-License-Identifier: Apache-2.0
set -eu
build=$1 work=$2
chmod -R u+w "$work" 2>/dev/null || true
rm -rf "$work"
mkdir -p "$work/obj"
make -s -C "$build" dist >/dev/null
tar -xf "$build"/sparrow-*.tar.xz -C "$work"
src=$(echo "$work"/sparrow-*/)
chmod -R a-w "$src"
cd "$work/obj"
"${src}configure" -q --prefix=/usr --sysconfdir=/etc CFLAGS=-O1 >configure.log 2>&1
make -s -j"$(nproc)" >make.log 2>&1 || { tail -n 30 make.log; exit 1; }
make -s install DESTDIR="$work/tree" >install.log 2>&1 || { tail -n 30 install.log; exit 1; }
chmod -R u+w "$src"
export LD_LIBRARY_PATH=$work/tree/usr/lib
"$work/tree/usr/bin/sparrow" --version
"$work/tree/usr/sbin/sparrowd" --version
for f in usr/lib/libsparrow.so.0 usr/include/sparrow.h usr/lib/pkgconfig/sparrow.pc usr/lib/systemd/system/sparrowd.service \
    usr/share/man/man1/sparrow.1 usr/share/man/man8/sparrowd.8 usr/share/sparrow/models/commands.sparrow etc/sparrow/sparrowd.conf; do
    [ -e "$work/tree/$f" ] || { echo "not installed: $f"; exit 1; }
done
make -s uninstall DESTDIR="$work/tree" >uninstall.log 2>&1
left=$(find "$work/tree" -type f)
[ -z "$left" ] || { echo "left behind by make uninstall:"; echo "$left"; exit 1; }
rm -rf "$work"
