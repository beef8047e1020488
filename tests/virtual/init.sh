#!/bin/busybox sh
# The first process: this machine's files, read-only, below a disk that takes what is written.
/bin/busybox --install -s /bin
export PATH=/bin
mkdir -p /proc /sys /dev /files /shared /disk /merged
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
for module in crc32c_generic virtio_pci virtio_blk 9pnet_virtio 9p overlay ext4; do
    modprobe $module || poweroff -f
done
mount -t 9p -o ro,trans=virtio,version=9p2000.L,msize=524288,cache=loose files /files &&
    mount -t 9p -o trans=virtio,version=9p2000.L,msize=524288 shared /shared &&
    mount -t ext4 /dev/vda /disk &&
    mkdir -p /disk/upper /disk/work /disk/docker /disk/tmp &&
    mount -t overlay -o lowerdir=/files,upperdir=/disk/upper,workdir=/disk/work merged /merged &&
    mkdir -p /merged/shared /merged/var/lib/docker /merged/dev ||
    poweroff -f
mount --move /proc /merged/proc
mount --move /sys /merged/sys
mount --move /dev /merged/dev
mount --move /shared /merged/shared
mount --bind /disk/docker /merged/var/lib/docker # an overlay cannot lie on another one
mkdir -p /merged/dev/pts /merged/dev/shm
mount -t devpts devpts /merged/dev/pts
mount -t tmpfs -o mode=1777 shm /merged/dev/shm
mount -t tmpfs -o mode=755 run /merged/run
mount -t cgroup2 cgroup2 /merged/sys/fs/cgroup
exec switch_root /merged /bin/bash /shared/main.sh
