# What the scripts of bench/ share: the built program, clusters of their own in scratch folders, figures from /proc.
# Sourced by them; honours HANBAE (a built program, else ./hanbae builds one) and LOAD (project file of another load
# generator of the same options and the same columns, with a floor beside it, for the operations that it knows; bench/load has them all).
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
LOAD=${LOAD:-$root/bench/load/load.csproj}
tick=$(getconf CLK_TCK)
work=$(mktemp -d -t hanbae-bench-XXXXXX)
hanbae_pid='' floor_pid='' started=0

# Stops what was started here and removes what it made; a node leaves mounts and cgroups, so it is reset.
cleanup() {
    local code=$?
    trap - EXIT INT TERM
    stop_floor
    stop_hanbae
    rm -rf "$work"
    exit $code
}
trap cleanup EXIT INT TERM

build_hanbae() {
    if [[ -z ${HANBAE:-} ]]; then "$root/hanbae" build; HANBAE=$root/.out/host/hanbae; fi
}

build_load() {
    [[ -f $LOAD ]] || { echo "LOAD is to be the project file of a load generator, with its folder floor beside it" >&2; exit 2; }
    build_into load "$LOAD"
    build_into floor "$(dirname "$LOAD")/floor/floor.csproj"
    build_into own "$root/bench/load/load.csproj"
    load_dll=$(dll_of "$work/load" "$LOAD")
    own_dll=$work/own/Hanbae.Bench.Load.dll
    floor_dll=$(dll_of "$work/floor" "$(dirname "$LOAD")/floor/floor.csproj")
}

# $1: folder in the scratch folder, $2: project file.
build_into() {
    dotnet build -c Release -v q -nologo -o "$work/$1" "$2" >"$work/build.log" || { cat "$work/build.log" >&2; exit 1; }
}

# The program in folder $1 that project file $2 made.
dll_of() {
    local name
    name=$(sed -n 's/.*<AssemblyName>\(.*\)<.*/\1/p' "$2")
    echo "$1/${name:-$(basename "$2" .csproj)}.dll"
}

free_port() {
    local port
    while port=$((20000 + RANDOM % 12000)); (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do :; done
    echo $port
}

# Starts a cluster in a fresh folder; sets data, port, hanbae_pid. "$@": further options of `up`.
start_hanbae() {
    data=$(mktemp -d "$work/data-XXXXXX")
    port=$(free_port)
    "$HANBAE" up --data-dir "$data" --port "$port" --kubelet-port 0 --bind 127.0.0.1 "$@" >"$work/up.log" 2>&1 &
    hanbae_pid=$!
    started=$(now_ms)
}

# As start_hanbae, up to a node that runs Pods of the image busybox:1, for kubectl.
start_node() {
    start_hanbae "$@"
    export KUBECONFIG=$data/kubeconfig
    kubeconfig=$KUBECONFIG
    await_readyz
    await_node
    "$root/examples/images/busybox.sh" "$work/busybox"
    "$HANBAE" image from-rootfs "$work/busybox" --name busybox:1 --cmd sh --data-dir "$data" >/dev/null
    until kubectl get serviceaccount default >/dev/null 2>&1; do alive; sleep 0.1; done
}

stop_hanbae() {
    [[ -n $hanbae_pid ]] || return 0
    kill -TERM $hanbae_pid 2>/dev/null || true
    wait $hanbae_pid 2>/dev/null || true
    hanbae_pid=''
    "$HANBAE" reset --data-dir "$data" >"$work/reset.log" 2>&1 || cat "$work/reset.log" >&2
}

start_floor() {
    local at
    at=$(free_port)
    rm -f "$work/floor.config"
    dotnet "$floor_dll" "$at" "$work/floor.config" >"$work/floor.log" 2>&1 &
    floor_pid=$!
    until curl -sko /dev/null "https://localhost:$at/"; do kill -0 $floor_pid; sleep 0.1; done
}

stop_floor() {
    [[ -n $floor_pid ]] || return 0
    kill -TERM $floor_pid 2>/dev/null || true
    wait $floor_pid 2>/dev/null || true
    floor_pid=''
}

# $1: pid; user and system time in ms.
cpu_ms() {
    local stat
    stat=$(<"/proc/$1/stat")
    set -- ${stat##*) }
    echo $(((${12} + ${13}) * 1000 / tick))
}

rss_mb() { awk '/^VmRSS/ { printf "%.0f", $2 / 1024 }' "/proc/$1/status"; }
# Of the resident memory, what is the process's own: not files mapped, which the kernel can drop.
anon_mb() { awk '/^RssAnon/ { printf "%.0f", $2 / 1024 }' "/proc/$1/status"; }

now_ms() { echo $(($(date +%s%N) / 1000000)); }

await_readyz() {
    until [[ $(curl -sk -m 5 "https://127.0.0.1:$port/readyz" 2>/dev/null) == ok ]]; do
        alive
        sleep 0.005
    done
}

# Takes the administrator's certificate out of the kubeconfig, for curl.
admin_curl() {
    if [[ ! -s $work/admin.key || $work/admin.key -ot $kubeconfig ]]; then
        sed -n 's/.*client-certificate-data: *//p' "$kubeconfig" | tr -d '"' | base64 -d >"$work/admin.crt"
        sed -n 's/.*client-key-data: *//p' "$kubeconfig" | tr -d '"' | base64 -d >"$work/admin.key"
    fi
    curl -sk -m 5 --cert "$work/admin.crt" --key "$work/admin.key" "https://127.0.0.1:$port$1"
}

node_ready() { admin_curl '/api/v1/nodes?pretty=false' 2>/dev/null | grep -Eq '"type":"Ready"[^}]*"status":"True"|"status":"True"[^}]*"type":"Ready"'; }

# Fails with the program's words when it has ended, or has not come so far within a minute.
alive() {
    if kill -0 $hanbae_pid 2>/dev/null && (($(now_ms) - started < 60000)); then return; fi
    cat "$work/up.log" >&2
    exit 1
}

await_node() {
    until [[ -s $kubeconfig ]]; do alive; sleep 0.005; done
    until node_ready; do
        alive
        sleep 0.01
    done
}

median() { sort -n | awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }

machine() { echo "$(date -u +%Y-%m-%d) · $(nproc) cores · load $(cut -d' ' -f1 /proc/loadavg)"; }
