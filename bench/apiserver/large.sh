#!/usr/bin/env bash
# What a hundred thousand objects cost: memory with as many Pods, and in a server of its own with as many custom resources that say the same;
# and a list of all of them, beside the floor of the same minute:
#   bench/apiserver/large.sh [100000]
# Upstream keeps custom resources as decoded maps, ten to fifteen times the size of a built-in kind's; here both are the bytes they are sent as.
. "$(dirname "${BASH_SOURCE[0]}")/../common.sh"
count=${1:-100000}
build_hanbae
build_load
start_floor

generate() { dotnet "$own_dll" --kubeconfig "$1" --pids "$2" --ops "$3" --pods "$count" --lists 4 "${@:4}" | tail -n +2 | tee -a "$work/all" >"$work/rows"; }
field() { awk -v op="$1" -v n="$2" '$1 == op { v = $n } END { print v }' "$work/rows"; }
# $1: ops that store, $2: op that lists.
measure() {
    start_hanbae --control-plane-only
    kubeconfig=$data/kubeconfig
    await_readyz
    until [[ -s $kubeconfig ]]; do sleep 0.05; done
    sleep 2
    local before stored
    before=$(rss_mb $hanbae_pid)
    generate "$kubeconfig" $hanbae_pid "$1"
    generate "$work/floor.config" $floor_pid list,list
    local floor floor_mb
    floor=$(field list 7) floor_mb=$(field list 8)
    generate "$kubeconfig" $hanbae_pid "$2,$2"
    stored=$(rss_mb $hanbae_pid)
    awk -v op="$2" -v before="$before" -v stored="$stored" -v anon="$(anon_mb $hanbae_pid)" -v n="$count" -v us="$(field "$2" 7)" -v mb="$(field "$2" 8)" -v fus="$floor" -v fmb="$floor_mb" 'BEGIN {
        printf "%s: %d objects take %.1f KB each (%d MB before, %d MB stored and listed, %d MB of it anonymous); a list %.0f ms, %.2f times the floor per MB\n",
            op, n, (stored - before) * 1024 / n, before, stored, anon, us / 1000, (us / mb) / (fus / fmb) }'
    stop_hanbae
}

machine
measure ns,create list
measure ns,definition,customs listcustoms
echo
echo "the generator's own lines:"
cat "$work/all"
