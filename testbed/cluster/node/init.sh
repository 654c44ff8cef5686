#!/bin/bash
# init.sh DIR NAME CONTROLLERS: pid 1 of a node, started by up.sh inside the new namespaces.
set -euo pipefail
dir=$1 name=$2 controllers=$3

mount --make-rprivate /
mount -t proc proc /proc
hostname "$name"

# The machine's view of cgroups goes first, or runc and kubelet read the outer mounts.
umount -R /sys/fs/cgroup
mount -t tmpfs -o mode=755 tmpfs /sys/fs/cgroup
for c in $controllers; do
	mkdir "/sys/fs/cgroup/$c"
	mount -t cgroup -o "$c" cgroup "/sys/fs/cgroup/$c"
done

# What the daemons write to is the node's own: /run is empty, /var/lib and /var/log are folders of DIR (overlayfs needs a
# real file system below, so no tmpfs).
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/lock /run/netns
for path in /var/lib /var/log; do
	mkdir -p "$dir/root$path"
	mount --bind "$dir/root$path" "$path"
done
mkdir -p /var/lib/kubelet
mount --bind /var/lib/kubelet /var/lib/kubelet
mount --make-rshared /var/lib/kubelet
mount --make-rshared /run

# No resolver at all, so that a look-up fails at once instead of waiting for one that can't be reached.
: >/run/resolv.conf && mount --bind /run/resolv.conf /etc/resolv.conf
printf '127.0.0.1 localhost\n172.30.0.1 n1\n172.30.0.2 n2\n' >/run/hosts && mount --bind /run/hosts /etc/hosts

ip link set lo up
echo 1 >/proc/sys/net/ipv4/ip_forward

# kubelet insists on these machine-wide settings: it sees them, and the machine's stay as they are.
pretend() {
	local fake=/run/sysctl.${1//\//.}
	echo "$2" >"$fake"
	mount --bind "$fake" "/proc/sys/$1"
}
pretend vm/overcommit_memory 1
pretend vm/panic_on_oom 0
pretend kernel/panic 10
pretend kernel/panic_on_oops 1
pretend kernel/keys/root_maxkeys 1000000
pretend kernel/keys/root_maxbytes 25000000

touch "$dir/ready"
trap 'exit 0' TERM
while :; do
	sleep 1000 &
	wait $! || true # reaps orphans
done
