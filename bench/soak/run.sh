#!/usr/bin/env bash
# Whether a node keeps anything of Pods that are gone: bench/soak/run.sh [minutes (30)] [Pods at once (20)] [seed].
# Random Pods of all shapes come and go all the while; every minute the churn stops, all Pods are deleted, and what is left is counted. What
# belongs to Pods (mounts, cgroups, addresses, network devices, logs, folders, tasks) must be none each time; memory and descriptors must not
# grow from one half of the run to the other. Needs root, busybox, kubectl, ctr. Ends with 1 when something stayed.
. "$(dirname "${BASH_SOURCE[0]}")/../common.sh"
minutes=${1:-30} most=${2:-20} RANDOM=${3:-$$}
echo "seed ${3:-$$}"
build_hanbae
machine
export HANBAE_CONNTRACK=keep
trap 'echo "line $LINENO failed" >&2' ERR
# Events are kept for an hour otherwise, and would be what grows.
start_node --event-ttl 2m
run=$(dirname "$(grep -lx "$data" /run/hanbae/*/data-folder)") id=$(basename "$(dirname "$(grep -lx "$data" /run/hanbae/*/data-folder)")")
runtime=$(cut -d' ' -f1 "$run/containerd.process")
kubectl create configmap settings --from-literal=a=1 >/dev/null
kubectl create secret generic login --from-literal=password=x >/dev/null

# A Pod named $1: a random command that lives or ends well or badly, with random volumes, probes, init containers and grace.
pod() {
    local commands=('sleep 1000' 'exit 0' 'exit 3' 'trap "exit 0" TERM; while :; do sleep 0.2; done' 'i=0; while [ $i -lt 3000 ]; do echo line $i of a log; i=$((i+1)); done; sleep 1000' 'dd if=/dev/zero of=/data/file bs=64k count=64 2>/dev/null; sleep 1000')
    local policies=(Always OnFailure Never) media=('{}' '{medium: Memory}' '{sizeLimit: 64Mi}')
    cat <<YAML
---
apiVersion: v1
kind: Pod
metadata: {name: $1, labels: {soak: churn}}
spec:
  restartPolicy: ${policies[RANDOM % 3]}
  terminationGracePeriodSeconds: $((RANDOM % 4))
  shareProcessNamespace: $([[ $((RANDOM % 4)) == 0 ]] && echo true || echo false)
  volumes:
  - {name: data, emptyDir: ${media[RANDOM % 3]}}
  - {name: settings, configMap: {name: settings}}
  - {name: login, secret: {secretName: login}}
  - name: about
    projected: {sources: [{downwardAPI: {items: [{path: name, fieldRef: {fieldPath: metadata.name}}]}}, {serviceAccountToken: {path: token, expirationSeconds: 600}}]}
$([[ $((RANDOM % 3)) == 0 ]] && echo '  initContainers: [{name: first, image: "busybox:1", command: [sh, -c, "echo begun > /data/begun"], volumeMounts: [{name: data, mountPath: /data}]}]')
  containers:
  - name: main
    image: busybox:1
    command: [sh, -c, '${commands[RANDOM % ${#commands[@]}]}']
    resources: {requests: {cpu: 1m, memory: 4Mi}, limits: {memory: 128Mi}}
$([[ $((RANDOM % 3)) == 0 ]] && echo '    readinessProbe: {exec: {command: ["true"]}, periodSeconds: 1}')
$([[ $((RANDOM % 4)) == 0 ]] && echo '    livenessProbe: {exec: {command: ["false"]}, periodSeconds: 1, failureThreshold: 3}')
$([[ $((RANDOM % 4)) == 0 ]] && echo '    lifecycle: {preStop: {exec: {command: [sleep, "1"]}}}')
    volumeMounts:
    - {name: data, mountPath: /data}
    - {name: settings, mountPath: /settings/a, subPath: a}
    - {name: login, mountPath: /login}
    - {name: about, mountPath: /about}
YAML
}

# What there is of Pods, one "name count" a line.
left() {
    echo "pods $(kubectl get pods -o name | wc -l)"
    echo "mounts $(grep -cE "/run/hanbae/$id/|$data/kubelet/" "/proc/$hanbae_pid/mountinfo" || true)"
    echo "cgroups $(find /sys/fs/cgroup -type d -path "*/hanbae-$id/*pod*-*" 2>/dev/null | wc -l)"
    echo "devices $(ls "/sys/class/net/hb$id/brif" | wc -l)"
    echo "addresses $(find "$data/cni/ipam" -type f -name '[0-9]*' 2>/dev/null | wc -l)"
    echo "folders $(ls "$data/kubelet/pods" | wc -l)"
    echo "logs $(find /var/log/pods /var/log/containers -maxdepth 1 -name 'default_p[0-9]*' -o -name 'p[0-9]*_default_*' 2>/dev/null | wc -l)"
    echo "shims $(ls "$run/state/io.containerd.runtime.v2.task/k8s.io" 2>/dev/null | wc -l)"
    echo "snapshots $(ask_runtime snapshots list | tail -n +2 | wc -l)"
}

ask_runtime() { ctr --address "$run/containerd.sock" --namespace k8s.io "$@"; }
# containerd forgets a snapshot at once and removes its folder when it collects, which it is in no hurry to do.
collect() { ask_runtime leases delete --sync "$(ask_runtime leases create)" >/dev/null; }
snapshot_folders() { find "$data/containerd" -maxdepth 4 -type d -path '*overlayfs/snapshots/*' | wc -l; }

none() { left | awk -v layers="$layers" '{ if ($1 == "snapshots" ? $2 > layers : $2 > 0) bad = bad " " $1 "=" $2 } END { if (bad) print substr(bad, 2) }'; }

# What the managed heap holds, as the program says itself: $1 is committed or live.
heap_mb() { kubectl get --raw /metrics | awk -v name="dotnet_gc_$1_bytes" '$1 == name { printf "%.0f", $2 / 1e6 }'; }
fds() { ls "/proc/$1/fd" | wc -l; }
layers=$(left | awk '/^snapshots/ { print $2 }') layer_folders=$(snapshot_folders)
next=0 made=0 failed=0 deadline=$(($(now_ms) + minutes * 60000))
printf '%6s %8s %10s %10s %10s %10s %6s %8s %12s  %s\n' minute pods 'RSS MB' 'own MB' 'heap MB' 'live MB' fds threads 'runtime fds' 'left after all were deleted'
: >"$work/figures"
while (($(now_ms) < deadline)); do
    until_ms=$(($(now_ms) + 45000))
    while (($(now_ms) < until_ms)); do
        batch=$((RANDOM % 4 + 1))
        for ((i = 0; i < batch; i++)); do pod "p$((next + i))"; done | kubectl create -f - >/dev/null
        next=$((next + batch)) made=$((made + batch))
        kubectl get pods -l soak=churn -o name >"$work/names"
        there=$(wc -l <"$work/names")
        if ((there > most || RANDOM % 2)); then shuf -n $((there > most ? there - most + 3 : 2)) "$work/names" | xargs -r kubectl delete --ignore-not-found --wait=false --grace-period=$((RANDOM % 3)) >/dev/null; fi
    done
    kubectl delete pods -l soak=churn --wait=false >/dev/null
    # What is being taken away needs a while; what is still there after a minute stays.
    for ((wait = 0; wait < 120; wait++)); do rest=$(none); [[ -z $rest ]] && break; sleep 0.5; done
    [[ -z $rest ]] || { failed=1; grep -E "/run/hanbae/$id/|$data/kubelet/" /proc/$hanbae_pid/mountinfo || true; }
    minute=$((($(now_ms) - started) / 60000))
    echo "$(anon_mb $hanbae_pid) $(fds $hanbae_pid)" >>"$work/figures"
    printf '%6s %8s %10s %10s %10s %10s %6s %8s %12s  %s\n' "$minute" "$made" "$(rss_mb $hanbae_pid)" "$(anon_mb $hanbae_pid)" "$(heap_mb committed)" "$(heap_mb live)" "$(fds $hanbae_pid)" "$(ls /proc/$hanbae_pid/task | wc -l)" "$(fds "$runtime")" "${rest:-nothing}"
done
collect
(($(snapshot_folders) <= layer_folders)) || { failed=1; echo "snapshots' folders: $(snapshot_folders), at first $layer_folders"; }
grep -E '1012|missed the end' "$work/up.log" || true
du -sh "$data/kubelet" "$data/containerd" "$data/audit" "$data/store"
# The first quarter warms up: what is compiled, cached and pooled. Then the second half against what was before it, with room for noise.
awk -v failed=$failed '{ m[NR] = $1; f[NR] = $2 }
    END {
        from = int(NR / 4) + 1; half = int((from + NR) / 2)
        for (i = from; i <= NR; i++) if (i <= half) { m1 += m[i]; f1 += f[i]; n1++ } else { m2 += m[i]; f2 += f[i]; n2++ }
        if (!n1 || !n2) { print "too short to tell of growth"; exit failed }
        printf "memory of its own %.0f → %.0f MB, descriptors %.0f → %.0f, something of Pods stayed: %s\n", m1 / n1, m2 / n2, f1 / n1, f2 / n2, failed ? "yes" : "no"
        exit failed || m2 / n2 > 1.1 * m1 / n1 + 5 || f2 / n2 > 1.1 * f1 / n1 + 10
    }' "$work/figures"
