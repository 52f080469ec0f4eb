#!/usr/bin/env bash
# From exec to an API server that answers /readyz, and to a node that is Ready, each time in a fresh folder:
#   bench/coldstart/run.sh [runs (5)]      needs root, since it runs a node
. "$(dirname "${BASH_SOURCE[0]}")/../common.sh"
build_hanbae
runs=${1:-5}
machine
printf '%6s%14s%14s%16s%14s\n' run '/readyz ms' 'node ms' 'CPU ms to node' 'RSS MB'
for ((run = 1; run <= runs; run++)); do
    begun=$(now_ms)
    start_hanbae
    kubeconfig=$data/kubeconfig
    await_readyz
    ready=$(($(now_ms) - begun))
    await_node
    node=$(($(now_ms) - begun))
    cpu=$(cpu_ms $hanbae_pid)
    printf '%6d%14d%14d%16d%14d\n' $run $ready $node "$cpu" "$(rss_mb $hanbae_pid)"
    echo "$ready" >>"$work/ready"; echo "$node" >>"$work/node"; echo "$cpu" >>"$work/cpu"
    stop_hanbae
done
printf '%6s%14s%14s%16s\n' median "$(median <"$work/ready")" "$(median <"$work/node")" "$(median <"$work/cpu")"
echo "promised: /readyz in 500 ms, node Ready in 2,000 ms"
