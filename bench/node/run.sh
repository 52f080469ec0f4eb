#!/usr/bin/env bash
# What Pods cost the node: how much longer than the runtime itself a Pod's start takes, a node full of Pods, and what these cost while nothing happens:
#   bench/node/run.sh [Pods (110)] [idle seconds (60)] [starts one by one (20)]      needs root, busybox, kubectl
# Promised: at most 0.3 s a start over the runtime's own time, 110 Pods.
. "$(dirname "${BASH_SOURCE[0]}")/../common.sh"
pods=${1:-110} seconds=${2:-60} starts=${3:-20}
build_hanbae
machine
export HANBAE_CONNTRACK=keep
trap 'echo "line $LINENO failed" >&2' ERR
start_node
node=$(kubectl get nodes -o jsonpath='{.items[0].metadata.name}')

pod() {
    cat <<YAML
---
apiVersion: v1
kind: Pod
metadata: {name: $1, labels: {bench: node}}
spec:
  terminationGracePeriodSeconds: 0
  containers: [{name: main, image: "busybox:1", command: [sleep, "100000"], resources: {requests: {cpu: 1m, memory: 1Mi}}}]
YAML
}
make() { for ((i = $1; i < $2; i++)); do pod "p$i"; done | kubectl create -f - >/dev/null; kubectl wait --for=condition=Ready pods -l bench=node --timeout=300s >/dev/null; }

# Sums of the kubelet's own figures, in seconds: $1 a metric's name, $2 what its labels match.
sum() { awk -v name="$1" -v labels="${2:-}" 'index($1, name "_sum") == 1 && $1 ~ labels { s += $NF } END { printf "%.6f", s }' "$work/metrics"; }
read_metrics() { kubectl get --raw "/api/v1/nodes/$node/proxy/metrics" >"$work/metrics"; }
figures() {
    read_metrics
    started_s=$(sum kubelet_pod_start_duration_seconds)
    runtime_s=$(sum kubelet_runtime_operations_duration_seconds 'operation_type="(run_podsandbox|create_container|start_container)"')
}
# $1: CPU of the program before, in ms; $2: seconds.
per_second() { awk -v used=$(($(cpu_ms $hanbae_pid) - $1)) -v seconds="$2" 'BEGIN { printf "%.0f", used * 1000 / seconds }'; }

make 0 1; kubectl delete pod p0 --wait >/dev/null # what is compiled at the first start is no Pod's
figures; before_start=$started_s before_runtime=$runtime_s
for ((n = 0; n < starts; n++)); do make $n $((n + 1)); done
figures
awk -v n="$starts" -v all="$started_s" -v all0="$before_start" -v runtime="$runtime_s" -v runtime0="$before_runtime" 'BEGIN {
    all = (all - all0) * 1000 / n; runtime = (runtime - runtime0) * 1000 / n
    printf "one Pod after the other   %.0f ms from seen to running, the runtime %.0f ms of it, so %.0f ms over (≤ 300)\n", all, runtime, all - runtime }'
kubectl delete pods -l bench=node --wait >/dev/null

sleep 15
own0=$(anon_mb $hanbae_pid) cpu=$(cpu_ms $hanbae_pid); sleep "$seconds"; idle0=$(per_second "$cpu" "$seconds")
began=$(now_ms) cpu=$(cpu_ms $hanbae_pid)
make 0 "$pods"
echo "$pods Pods at once           ready after $((($(now_ms) - began) / 1000)) s, $(((($(cpu_ms $hanbae_pid)) - cpu) / pods)) ms of processor each (control plane and node agent, runtime not)"
sleep 60 # probes, tokens and the first look at each volume are over
cpu=$(cpu_ms $hanbae_pid); sleep "$seconds"; idle=$(per_second "$cpu" "$seconds") own=$(anon_mb $hanbae_pid)
awk -v a="$idle0" -v b="$idle" -v m0="$own0" -v m="$own" -v n="$pods" 'BEGIN {
    printf "idle                      %d µs of processor a second without Pods, %d with %d: %.0f µs a Pod and second\n", a, b, n, (b - a) / n
    printf "memory of its own         %d and %d MB: %.0f KB a Pod\n", m0, m, (m - m0) * 1024 / n }'
samples=20 cpu=$(cpu_ms $hanbae_pid)
for ((n = 0; n < samples; n++)); do kubectl get --raw "/api/v1/nodes/$node/proxy/metrics/cadvisor" >"$work/cadvisor"; done
awk -v used=$(($(cpu_ms $hanbae_pid) - cpu)) -v n=$samples -v pods="$pods" -v lines="$(grep -vc '^#' "$work/cadvisor")" 'BEGIN {
    printf "a look at /metrics/cadvisor  %.1f ms of processor, %d lines: %.0f µs a Pod and sample\n", used / n, lines, used * 1000 / n / pods }'
