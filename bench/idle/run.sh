#!/usr/bin/env bash
# What a cluster with nothing to do costs: control plane and node agent in one process, containerd apart:
#   bench/idle/run.sh [seconds (60)] [settling (60)] [further options of `up`]      needs root, since it runs a node
. "$(dirname "${BASH_SOURCE[0]}")/../common.sh"
build_hanbae
seconds=${1:-60} settle=${2:-60}
shift $(($# < 2 ? $# : 2))
machine
start_hanbae "$@"
kubeconfig=$data/kubeconfig
await_readyz
[[ " $* " == *" --control-plane-only "* ]] || await_node
sleep "$settle"
before=$(cpu_ms $hanbae_pid)
switches() { cat /proc/$hanbae_pid/task/*/status | awk '/ctxt_switches/ { n += $2 } END { print n }'; }
woken=$(switches)
sleep "$seconds"
used=$(($(cpu_ms $hanbae_pid) - before))
awk -v used=$used -v seconds="$seconds" -v woken=$(($(switches) - woken)) 'BEGIN { printf "CPU      %.2f %% of a core, %.0f context switches/s\n", used / seconds / 10, woken / seconds }'
echo "RSS      $(rss_mb $hanbae_pid) MB, of it $(anon_mb $hanbae_pid) MB anonymous"
echo "threads  $(ls /proc/$hanbae_pid/task | wc -l)"
# What threads used the time, the busiest first.
for task in /proc/$hanbae_pid/task/*; do
    stat=$(<"$task/stat"); name=${stat#*(}; name=${name%)*}; set -- ${stat##*) }
    echo "$(((${12} + ${13}) * 1000 / tick)) ms since start: $name"
done | sort -rn | head -6
echo "promised: 120 MB and 1 % of a core"
