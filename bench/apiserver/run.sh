#!/usr/bin/env bash
# The API server as it is run (`hanbae up --control-plane-only`: certificates, RBAC, admission, defaulting, controllers) under a load
# generator, each figure beside the floor of the same minute and what is promised:
#   [LOAD=…/load.csproj] bench/apiserver/run.sh [--only get,list,…] [--pods 10000] [further options of the generator]
# The figure that counts is processor time of the server for one operation; a row is the second of two runs in a row.
. "$(dirname "${BASH_SOURCE[0]}")/../common.sh"
only=get,list,listpb,listtable,listsel,update,watch
if [[ ${1:-} == --only ]]; then only=$2; shift 2; fi
options=("$@")
build_hanbae
build_load
start_floor
start_hanbae --control-plane-only
kubeconfig=$data/kubeconfig
await_readyz
until [[ -s $kubeconfig ]]; do sleep 0.05; done
sleep 2

# $1: kubeconfig, $2: pid, $3: operations. Prints the generator's lines and keeps them.
generate() {
    dotnet "$work/load/$(basename "$LOAD" .csproj).dll" --kubeconfig "$1" --pids "$2" --ops "$3" "${options[@]}" | tail -n +2 | tee "$work/rows" >>"$work/all"
    grep -v ' 0 failed' "$work/rows" | grep -E 'failed|rror' >&2 || true
}
field() { awk -v op="$1" -v n="$2" '$1 == op { v = $n } END { print v }' "$work/rows"; }
# Bare Kestrel's time for $1, in the same minute.
floor() { generate "$work/floor.config" $floor_pid "$1,$1"; field "$1" 7; }
row() { printf '%-12s%12s%12s%10s   %s\n' "$@"; }
ratio() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.2f", a / b }'; }
rss() { echo "$(rss_mb $hanbae_pid) MB ($(anon_mb $hanbae_pid) anonymous)"; }

machine
row operation 'CPU µs' 'floor µs' ratio 'promised'
idle=$(rss)
floor get >/dev/null
get_floor=$(floor get)
generate "$kubeconfig" $hanbae_pid ns,create
create=$(field create 7)
row create "$create" "$get_floor" "$(ratio "$create" "$get_floor")" '≤ 10 × the floor of get'
generate "$kubeconfig" $hanbae_pid list
stored=$(rss)
for op in ${only//,/ }; do
    case $op in
        get) promise='≤ 2' like=get ;;
        list) promise='≤ 1.25' like=list ;;
        listpb | listtable) promise='≤ 1.25 per MB' like=list ;;
        listsel) promise='≤ 1.5' like=listsel ;;
        update) promise='≤ 13 × the floor of get' like=get ;;
        watch) promise='≤ 0.25 × the floor of get, an event to one of 200 watchers' like=get ;;
        *) promise='' like=get ;;
    esac
    base=$(floor $like)
    if [[ $op == listpb || $op == listtable ]]; then base_mb=$(field $like 8); fi
    generate "$kubeconfig" $hanbae_pid "$op,$op"
    own=$(field "$op" 7)
    if [[ $op == listpb || $op == listtable ]]; then base=$(awk -v base="$base" -v mb="$base_mb" -v own="$(field "$op" 8)" 'BEGIN { printf "%.1f", base * own / mb }'); fi
    row "$op" "$own" "$base" "$(ratio "$own" "$base")" "$promise"
done
echo "memory: $idle when started; $stored with the Pods stored and listed; $(rss) after all of this; ≤ 260 MB promised"
echo
echo "the generator's own lines, floor and server in turn:"
cat "$work/all"
