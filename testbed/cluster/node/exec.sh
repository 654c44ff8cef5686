#!/bin/bash
# exec.sh DIR PID COMMAND...: runs a command inside the node whose pid 1 is PID: its cgroups, then all its namespaces.
set -euo pipefail
dir=$1 pid=$2
shift 2
while read -r group; do echo $$ >"$group/cgroup.procs"; done <"$dir/cgroups"
exec nsenter -t "$pid" -m -n -p -u -i -C -- "$@"
