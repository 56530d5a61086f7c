#!/bin/sh
# Boots one throw-away machine and boots it again when it reboots. Runs in a mount namespace of its own, so that every mount
# made here is gone with the last process of the machine, however that ends.
#   boot.sh NAME WORK SIZE SOURCE CGROUP...
#     NAME    the machine's name      WORK    an empty folder      SIZE    limit of all that the machine writes, for mount
#     SOURCE  the checkout: hidden at its own path, readable at /usr/src/heald
#     CGROUP  folders to be in: machines that share a cgroup corrupt each other
set -eu
name=$1 work=$2 size=$3 source=$4
shift 4
for cgroup; do echo $$ > "$cgroup/cgroup.procs"; done

mount -t tmpfs -o "size=$size,mode=755" heald "$work"
mkdir "$work/upper" "$work/work" "$work/root" "$work/source" "$work/empty"
mount --bind "$source" "$work/source"
mount -t overlay -o "lowerdir=/,upperdir=$work/upper,workdir=$work/work" overlay "$work/root"

# The host's own enabled services, start scripts, mounts and old journal are none of this machine's business. All changes
# go through the merged mount: made in the upper folder they would lose the modes of the folders above them.
cd "$work/root"
rm -rf etc/systemd/system/*.wants etc/systemd/system/*.requires etc/rc?.d var/log/journal etc/heald var/lib/heald*
ln -sf /usr/lib/systemd/system/multi-user.target etc/systemd/system/default.target
for unit in getty.target console-getty.service systemd-firstboot.service systemd-tmpfiles-clean.timer \
        systemd-update-utmp.service systemd-update-utmp-runlevel.service systemd-remount-fs.service; do
    ln -sf /dev/null "etc/systemd/system/$unit"
done
: > etc/fstab
mkdir -p usr/src/heald
cd /

export SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1
boot() {
    systemd-nspawn --quiet --directory="$work/root" --machine="$name" --boot --register=no --keep-unit --link-journal=no \
        --private-network --notify-ready=yes --console=pipe --bind-ro="$work/source:/usr/src/heald" \
        --bind-ro="$work/empty:$source" systemd.log_target=journal-or-kmsg systemd.show_status=no
}
# 133 is what systemd-nspawn ends with when the machine was told to reboot.
while ended=0; boot || ended=$?; [ "$ended" = 133 ]; do :; done
exit "$ended"
