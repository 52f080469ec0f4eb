#!/usr/bin/env bash
# Makes a machine that can be booted: image.sh FOLDER. In FOLDER then are kernel, initrd and disk.img, a Debian of this distribution's release
# with systemd, D-Bus, containerd and what a node needs. Whoever boots it talks to a shell on the second serial line (see VirtualMachine.cs).
set -euo pipefail
out=${1:?usage: image.sh FOLDER}
work=$out.new
rm -rf "$work"
mkdir -p "$work/debs" "$work/ird"/{bin,lib,dev,root}
cd "$work"
. /etc/os-release

kernel=$(apt-cache depends --important linux-image-cloud-amd64 | sed -n 's/^ *Depends: \(linux-image-.*\)/\1/p' | head -1)
(cd debs && apt-get download -qq "$kernel")
dpkg-deb -x debs/*.deb kernel.deb
version=$(basename kernel.deb/boot/vmlinuz-* | cut -d- -f2-)
cp kernel.deb/boot/vmlinuz-* kernel

site=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' "Codename: $VERSION_CODENAME" | head -1)
debootstrap --variant=minbase \
    --include=systemd,systemd-sysv,dbus,containerd,runc,nftables,iproute2,iptables,conntrack,containernetworking-plugins,kmod,mount,busybox-static,libssl3 \
    "$VERSION_CODENAME" root ${site:+"$site"}
cp -r kernel.deb/lib/modules root/usr/lib/
chroot root depmod "$version"
printf '%s\n' virtio_net overlay br_netfilter veth nf_tables >root/etc/modules-load.d/machine.conf
echo machine >root/etc/hostname
: >root/etc/fstab
# Nobody here waits for these, and processor time is dear.
for unit in apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service fstrim.timer containerd.service getty@tty1.service serial-getty@ttyS0.service systemd-pstore.service; do
    ln -sf /dev/null "root/etc/systemd/system/$unit"
done
cat >root/etc/systemd/system/machine-shell.service <<'EOF'
[Unit]
Description=Runs what comes in by the second serial line
After=dbus.service systemd-modules-load.service
Requires=dbus.service
[Service]
ExecStart=/usr/local/sbin/machine-shell
KillMode=process
EOF
cat >root/usr/local/sbin/machine-shell <<'EOF'
#!/bin/sh
# A line in: a script in base64. Lines out: what it says, then its exit code.
exec </dev/ttyS1 >/dev/ttyS1 2>&1
stty raw -echo
mkdir -p /payload
mount -o ro /dev/vdb /payload
ip link set eth0 up && ip addr add 10.0.2.15/24 dev eth0 && ip route add default via 10.0.2.2
export HOME=/root PATH=/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin
echo machine-ready
while read -r line; do
    echo "$line" | base64 -d >/run/machine-script
    sh /run/machine-script </dev/null 2>&1
    echo "machine-exit $?"
done
EOF
chmod +x root/usr/local/sbin/machine-shell
mkdir -p root/etc/systemd/system/multi-user.target.wants
ln -s ../machine-shell.service root/etc/systemd/system/multi-user.target.wants/

# The disk's driver is a module: a first stage loads it.
modules='virtio_ring virtio virtio_pci_modern_dev virtio_pci_legacy_dev virtio_pci virtio_blk'
for module in $modules; do cp "$(find kernel.deb/lib/modules -name "$module.ko")" ird/lib/; done
cp "$(command -v busybox)" ird/bin/busybox
cat >ird/init <<EOF
#!/bin/busybox sh
/bin/busybox mount -t devtmpfs none /dev
for module in $modules; do /bin/busybox insmod /lib/\$module.ko; done
until [ -b /dev/vda ]; do /bin/busybox sleep 0.1; done
/bin/busybox mount -t ext4 /dev/vda /root
exec /bin/busybox switch_root /root /sbin/init
EOF
chmod +x ird/init
(cd ird && find . | busybox cpio -o -H newc 2>/dev/null) | gzip -1 >initrd

rm -rf root/var/cache/apt/archives/*.deb
truncate -s 3G disk.img
mkfs.ext4 -q -O ^has_journal -d root disk.img
rm -rf root ird debs kernel.deb
cd /
rm -rf "$out"
mv "$work" "$out"
