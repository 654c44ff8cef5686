#!/bin/bash
# network.sh DIR PID COMMAND...: runs a program of this machine in the node's network, with the cluster's DNS. Files and
# processes stay this machine's. Nothing started this way reaches anything but the cluster: that network has no way out.
set -euo pipefail
dir=$1 pid=$2
shift 2
exec nsenter -t "$pid" -n -- unshare -m -- sh -c 'mount --bind "$0" /etc/resolv.conf && exec "$@"' "$dir/resolv.conf" "$@"
