#!/usr/bin/env bash
# Creating and binding 5,000 Pods on 1,000 nodes that somebody else keeps Ready, all parts of the control plane in one process:
#   [LOAD=…/load.csproj] bench/sched/run.sh [runs (1)] [options of the generator, as --pending 5000 --conc 64]
# Nodes have no kubelet: the node lifecycle controller doubts them after 40 s, long after all Pods are bound.
. "$(dirname "${BASH_SOURCE[0]}")/../common.sh"
runs=${1:-1}
shift $(($# < 1 ? $# : 1))
build_hanbae
build_load
machine
for ((run = 1; run <= runs; run++)); do
    start_hanbae --control-plane-only
    kubeconfig=$data/kubeconfig
    await_readyz
    until [[ -s $kubeconfig ]]; do sleep 0.05; done
    sleep 2
    # What a Pod costs that needs no scheduler, the same program warm: the difference is the scheduler's, its binding included.
    dotnet "$work/load/$(basename "$LOAD" .csproj).dll" --kubeconfig "$kubeconfig" --pids $hanbae_pid --pods 5000 --ops ns,create,nodes,sched "$@"
    stop_hanbae
done
echo "promised: 1,000 pods/s; the scheduler's share (sched less create) 300 µs of processor time a Pod"
