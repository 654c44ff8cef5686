#!/bin/bash
# up.sh DIR NAME: becomes a "node" on this machine: namespaces of its own (net, mount, pid, uts, ipc, cgroup) whose pid 1
# is init.sh, and cgroups (v1) nested under the caller's own. Nothing else on the machine changes. Whoever kills this
# process kills pid 1 (--kill-child), and with it the kernel ends everything in the node. State: DIR.
set -euo pipefail
dir=$1 name=$2
controllers="cpu cpuacct cpuset memory devices freezer blkio pids"

# Own cgroups first: a new cgroup namespace is rooted where its maker stands.
for c in $controllers; do
	own=$(awk -F: -v c="$c" '$2 == c { print $3 }' /proc/self/cgroup)
	[ "$own" = / ] && own=
	group=/sys/fs/cgroup/$c$own/$(basename "$(dirname "$dir")")-$name
	mkdir -p "$group"
	echo "$group" >>"$dir/cgroups"
	if [ "$c" = cpuset ]; then # a new cpuset is empty and takes no process until it is filled
		cat "${group%/*}/cpuset.cpus" >"$group/cpuset.cpus"
		cat "${group%/*}/cpuset.mems" >"$group/cpuset.mems"
	fi
	echo $$ >"$group/cgroup.procs"
done
exec unshare -m -n -p -u -i -C -f --kill-child bash "$(dirname "$0")/init.sh" "$dir" "$name" "$controllers"
