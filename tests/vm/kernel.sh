#!/bin/sh
# Makes FOLDER/vmlinuz and FOLDER/initrd.gz: the distribution's own kernel, unpacked and not installed, and an initrd that
# mounts the host's root read-only below a file system in memory.
#   kernel.sh FOLDER
set -eu
folder=$1
[ ! "$folder/initrd.gz" -nt "$0" ] || exit 0
rm -rf "$folder"
mkdir -p "$folder/initrd/bin" "$folder/initrd/mod" "$folder/package"
package=$(apt-cache depends linux-image-amd64 | awk '/Depends: linux-image/ { print $2; exit }')
cd "$folder"
apt-get download -q "$package" >&2
dpkg-deb --extract "$package"_*.deb package
release=$(ls package/lib/modules)
cp "package/boot/vmlinuz-$release" vmlinuz
depmod --basedir package "$release"

cp /bin/busybox initrd/bin/
for tool in sh mount mkdir insmod switch_root; do ln -s busybox "initrd/bin/$tool"; done
for module in virtio_pci 9pnet_virtio 9p overlay zram nvme; do
    modprobe --dirname package --set-version "$release" --show-depends "$module"
done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }' > modules
while read -r module; do
    cp "$module" initrd/mod/
    echo "/mod/$(basename "$module")" >> initrd/modules
done < modules
mkdir initrd/proc initrd/sys initrd/dev initrd/host initrd/memory initrd/new
cat > initrd/init <<'INIT'
#!/bin/sh
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
while read -r module; do insmod "$module"; done < /modules
mount -t 9p -o trans=virtio,version=9p2000.L,ro,msize=262144,cache=loose root /host
mount -t tmpfs -o size=60% memory /memory
mkdir /memory/upper /memory/work
mount -t overlay -o lowerdir=/host,upperdir=/memory/upper,workdir=/memory/work overlay /new
mkdir -p /new/out
mount -t 9p -o trans=virtio,version=9p2000.L,msize=262144 out /new/out
mount --move /dev /new/dev
mount --move /proc /new/proc
mount --move /sys /new/sys
mount -t tmpfs -o mode=755 tmpfs /new/run
exec switch_root /new /lib/systemd/systemd
INIT
chmod +x initrd/init
cd initrd
find . | cpio --quiet --create --format=newc | gzip -1 > ../initrd.new
rm -rf ../package ../"$package"_*.deb
mv ../initrd.new ../initrd.gz
