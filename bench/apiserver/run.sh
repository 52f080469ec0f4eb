#!/usr/bin/env bash
# The API server as it is run (`hanbae up --control-plane-only`: certificates, RBAC, admission, defaulting, controllers) under a load
# generator, each figure beside the floor of the same minute and what is promised:
#   bench/apiserver/run.sh [--only get,list,…] [--pods 10000] [further options of the generator]
# Operations: get list listpb listtable listsel create update (a merge patch) put apply watch1 watch watch5000 kubelets, and `large` by
# large.sh beside this. The figure that counts is processor time of the server for one operation, every write durable; a read is the second
# of two runs in a row. Floors of lists are scaled to the bytes that the server sent. `garbage` is what the server allocated for one.
# LOAD=…/load.csproj takes another generator for the operations that it knows.
. "$(dirname "${BASH_SOURCE[0]}")/../common.sh"
only=get,list,listpb,listtable,listsel,watch1,watch,watch5000,update,create,put,apply,kubelets
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

# $1: the generator, $2: kubeconfig, $3: pid, $4: operations. Prints the generator's lines and keeps them.
generate() {
    dotnet "$1" --kubeconfig "$2" --pids "$3" --ops "$4" "${@:5}" "${options[@]}" | tail -n +2 | tee "$work/rows" >>"$work/all"
    grep -v ' 0 failed' "$work/rows" | grep -E 'failed|rror' >&2 || true
}
basic() { generate "$load_dll" "$kubeconfig" $hanbae_pid "$@"; }
more() { generate "$own_dll" "$kubeconfig" $hanbae_pid "$@"; }
field() { awk -v op="$1" -v n="$2" '$1 == op { v = $n } END { print v }' "$work/rows"; }
# Bare Kestrel's time for $1, in the same minute.
floor() { generate "$load_dll" "$work/floor.config" $floor_pid "$1,$1" --gets 60000; field "$1" 7; }
row() { printf '%-12s%12s%12s%10s%14s   %s\n' "$@"; }
ratio() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.2f", a / b }'; }
rss() { echo "$(rss_mb $hanbae_pid) MB ($(anon_mb $hanbae_pid) anonymous)"; }

machine
idle=$(rss)
basic ns,create,list,listpb,listtable
cold=$(field create 7)
stored=$(rss)
# Precompiled code is compiled again while it runs hot: what is measured below is the program as it is after some thousand writes.
basic ns,create,update,delete --namespace warm --pods 5000
row operation 'CPU µs' 'floor µs' ratio 'garbage B' 'promised'
floor get >/dev/null
for op in ${only//,/ }; do
    case $op in
        get) promise='≤ 2' like=get ;;
        list | listpb | listtable) promise='≤ 1.25 per MB' like=list ;;
        listsel) promise='≤ 1.5 per MB' like=listsel ;;
        create) promise='≤ 10 × the floor of get' like=get ;;
        update) promise='≤ 13 × the floor of get (merge patch)' like=get ;;
        watch) promise='≤ 0.25 × the floor of get, an event to one of 200 watchers' like=get ;;
        watch1 | watch5000) promise="an event to one of ${op#watch} watchers, the write taken off" like=get ;;
        kubelets) promise='one write of ten seconds of 5,000 nodes' like=get ;;
        *) promise='' like=get ;;
    esac
    base=$(floor $like)
    base_mb=$(field $like 8)
    # The second update of a Pod would change nothing: writes are run once, creates in a namespace of their own.
    shown=$op
    case $op in
        create) basic ns,create --namespace again ;;
        update) basic "$op" ;;
        watch) more watch; shown=fanout200 ;;
        watch1) more watch --watchers 1; shown=fanout1 ;;
        watch5000) more watch --watchers 5000 --updates 50; shown=fanout5000 ;;
        put | apply | kubelets) more "$op" ;;
        *) basic "$op,$op" ;;
    esac
    own=$(field "$shown" 7)
    garbage=$(field "$shown" 10)
    if [[ $op == list* ]]; then base=$(awk -v base="$base" -v mb="$base_mb" -v own="$(field "$op" 8)" 'BEGIN { printf "%.1f", base * own / mb }'); fi
    row "$op" "$own" "$base" "$(ratio "$own" "$base")" "${garbage:--}" "$promise"
done
echo "the first 10,000 creates of a fresh process: $cold µs each"
echo "memory: $idle when started; $stored with the Pods stored and listed; $(rss) after all of this; ≤ 260 MB promised"
echo
echo "the generator's own lines, floor and server in turn:"
cat "$work/all"
