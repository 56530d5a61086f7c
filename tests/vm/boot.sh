#!/bin/sh
# Installs heald in an overlay of this host's own root and boots it with a kernel of its own; ends when it powers off.
# Runs in a mount namespace of its own, so that every mount made here is gone with it.
#   boot.sh WORK KERNEL SOURCE PROGRAM
#     WORK     an empty folder; WORK/out/log and WORK/out/console are what it leaves behind
#     KERNEL   the folder that kernel.sh filled      SOURCE   the checkout      PROGRAM   what runs in it, as root
set -eu
work=$1 kernel=$2 source=$3 program=$4
out=$work/out
mkdir "$out" "$work/machine"
mount -t tmpfs -o size=2g,mode=755 heald "$work/machine"
cd "$work/machine"
mkdir upper work root empty
mount -t overlay -o "lowerdir=/,upperdir=upper,workdir=work" overlay root
cd root
rm -rf etc/systemd/system/*.wants etc/systemd/system/*.requires etc/rc?.d var/log/journal etc/heald var/lib/heald* .dockerenv
for unit in getty.target console-getty.service serial-getty@ttyS0.service systemd-firstboot.service \
        systemd-remount-fs.service systemd-networkd-wait-online.service systemd-modules-load.service; do
    ln -sf /dev/null "etc/systemd/system/$unit"
done
: > etc/fstab
mkdir -p usr/src/heald
mount --bind "$source" usr/src/heald
mount -t tmpfs run run
mount -t tmpfs tmp tmp
mount -t proc proc proc
mount --bind /dev dev
chroot . make --no-print-directory -C /usr/src/heald install > "$out/install" 2>&1
umount dev proc tmp run
umount usr/src/heald
cp -a "$source/." usr/src/heald/
cat > etc/systemd/system/trial.service <<UNIT
[Unit]
After=basic.target dbus.service systemd-journald.service
[Service]
Type=exec
ExecStart=/bin/sh -c '$program > /out/log 2>&1; sync'
ExecStopPost=/bin/systemctl poweroff --force --force
UNIT
mkdir -p etc/systemd/system/multi-user.target.wants
ln -s ../trial.service etc/systemd/system/multi-user.target.wants/trial.service
cd /
truncate --size=64M "$work/machine/disk"
exec qemu-system-x86_64 -M q35 -accel tcg,thread=multi -cpu max -smp 2 -m 2048 -nographic -no-reboot \
    -nic none -drive "if=none,id=slow,format=raw,file=$work/machine/disk,throttling.iops-total=20" \
    -device nvme,drive=slow,serial=slow -kernel "$kernel/vmlinuz" -initrd "$kernel/initrd.gz" \
    -append "console=ttyS0 quiet psi=1 systemd.unit=multi-user.target systemd.show_status=0 rdinit=/init" \
    -virtfs "local,path=$work/machine/root,mount_tag=root,security_model=passthrough,readonly=on,multidevs=remap" \
    -virtfs "local,path=$out,mount_tag=out,security_model=none" < /dev/null > "$out/console" 2>&1
