#!/usr/bin/env bash
# The API server and bare Kestrel, each fresh from its start, under one run of the generator with its defaults (10,000 Pods, 20,000 gets, …): what
# somebody measures who starts Hanbae and looks. run.sh beside this has them warm first:
#   bench/apiserver/once.sh [options of `up`]
. "$(dirname "${BASH_SOURCE[0]}")/../common.sh"
build_hanbae
build_load
start_floor
start_hanbae --control-plane-only "$@"
kubeconfig=$data/kubeconfig
await_readyz
until [[ -s $kubeconfig ]]; do sleep 0.05; done
sleep 2

generate() { dotnet "$load_dll" --kubeconfig "$1" --pids "$2" --ops "$3" | tail -n +2 | tee -a "$work/all" >"$work/$4"; }
# The row of the watchers is called `watch` or after their number.
field() { awk -v op="$2" -v n="$3" '$1 == op || op == "watch" && $1 ~ /^watch/ { print $n; exit }' "$work/$1.rows"; }
# $1: row, $2: floor's row, $3: what of the floor is allowed, $4: `MB` when by the bytes sent.
row() {
    awk -v op="$1" -v own="$(field own "$1" 7)" -v floor="$(field floor "$2" 7)" -v most="$3" -v mb="$([[ ${4:-} ]] && field own "$1" 8)" -v fmb="$(field floor "$2" 8)" 'BEGIN {
        if (mb != "") floor = floor * mb / fmb
        printf "%-12s%12.1f%12.1f%10.2f   ≤ %s\n", op, own, floor, own / floor, most }'
}

machine
generate "$work/floor.config" $floor_pid get,list,listsel floor.rows
generate "$kubeconfig" $hanbae_pid ns,create,get,list,listpb,listsel,listtable,update,watch own.rows
printf '%-12s%12s%12s%10s   %s\n' operation 'CPU µs' 'floor µs' ratio promised
row get get 2
row list list 1.25 MB
row listpb list 1.25 MB
row listtable list 1.25 MB
row listsel listsel 1.5
row create get 10
row update get 13
row watch get 0.25
echo "memory with the Pods stored and listed: $(field own listtable 9) MB; ≤ 260 MB"
echo
cat "$work/all"
