#!/usr/bin/env bash
# Prepares a root file system with the distribution's busybox, for `hanbae image from-rootfs`:
#
#   examples/images/busybox.sh /tmp/busybox
#   ./hanbae image from-rootfs /tmp/busybox --name busybox:1.35 --cmd sh
#
# Needs busybox-static (apt-get install busybox-static): a busybox that uses shared libraries would miss them in the image.
set -euo pipefail
root=${1:?usage: busybox.sh FOLDER}
busybox=$(command -v busybox) || { echo "busybox is not installed: apt-get install busybox-static" >&2; exit 1; }
if ldd "$busybox" >/dev/null 2>&1; then echo "$busybox uses shared libraries: apt-get install busybox-static" >&2; exit 1; fi
if [[ -e $root && -n $(ls -A "$root") ]]; then echo "$root is not empty" >&2; exit 1; fi

mkdir -p "$root"/{bin,etc,root,home,var,proc,sys,dev}
mkdir -m 1777 "$root/tmp" "$root/var/tmp"
cp "$busybox" "$root/bin/busybox"
for applet in $("$busybox" --list); do
    if [[ $applet != busybox ]]; then ln -s busybox "$root/bin/$applet"; fi
done
cat >"$root/etc/passwd" <<'EOF'
root:x:0:0:root:/root:/bin/sh
nobody:x:65534:65534:nobody:/home:/bin/false
EOF
cat >"$root/etc/group" <<'EOF'
root:x:0:
nogroup:x:65534:
EOF
# Names like localhost are to be found without asking a name server.
echo 'hosts: files dns' >"$root/etc/nsswitch.conf"
