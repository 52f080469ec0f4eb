#!/usr/bin/env bash
# Whether requests are lost while what answers them is exchanged, on real containers: bench/rollout/run.sh. Needs root, busybox, kubectl.
# Eight clients ask a Service's node port all the while, each time over a new connection: blue and green by the Service's selector, a rolling
# update one Pod at a time, an image that cannot be, and the way back. None is to be lost.
. "$(dirname "${BASH_SOURCE[0]}")/../common.sh"
build_hanbae
build_into rollout "$root/bench/rollout/rollout.csproj"
machine
start_node

deployment() { # $1: name, $2: what it answers. As in production: the Pod goes on answering for a while after it was told to end.
    cat <<YAML
apiVersion: apps/v1
kind: Deployment
metadata: {name: $1}
spec:
  replicas: 3
  selector: {matchLabels: {app: web, color: $1}}
  strategy: {type: RollingUpdate, rollingUpdate: {maxSurge: 1, maxUnavailable: 0}}
  template:
    metadata: {labels: {app: web, color: $1}}
    spec:
      terminationGracePeriodSeconds: 5
      containers:
      - name: web
        image: busybox:1
        command: [sh, -c, 'mkdir -p /www && echo $2 > /www/index.html && exec httpd -f -p 8080 -h /www']
        lifecycle: {preStop: {sleep: {seconds: 2}}}
        readinessProbe: {httpGet: {path: /, port: 8080}, periodSeconds: 1}
        resources: {requests: {cpu: 10m, memory: 8Mi}}
YAML
}
{ deployment blue blue; echo ---; deployment green green; cat <<YAML
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {type: NodePort, selector: {app: web, color: blue}, ports: [{port: 80, targetPort: 8080}]}
YAML
} | kubectl apply -f - >/dev/null
for color in blue green; do kubectl rollout status "deployment/$color" --timeout=120s >/dev/null; done
address=http://$(kubectl get nodes -o 'jsonpath={.items[0].status.addresses[?(@.type=="InternalIP")].address}'):$(kubectl get service web -o 'jsonpath={.spec.ports[0].nodePort}')/
until [[ $(curl -sm 2 "$address") == blue ]]; do alive; sleep 0.2; done

mkfifo "$work/marks"
dotnet "$work/rollout/Hanbae.Bench.Rollout.dll" "$address" <"$work/marks" &
asking=$!
exec 9>"$work/marks"
sleep 3
echo "nothing changes" >&9
kubectl patch service web --type=merge -p '{"spec":{"selector":{"color":"green"}}}' >/dev/null
sleep 3
echo "blue to green" >&9
kubectl patch service web --type=merge -p '{"spec":{"selector":{"color":"blue"}}}' >/dev/null
sleep 3
echo "green to blue" >&9
deployment blue blue-2 | kubectl apply -f - >/dev/null
kubectl rollout status deployment/blue --timeout=120s >/dev/null
sleep 6
echo "rolling update" >&9
kubectl set image deployment/blue web=nosuch:1 >/dev/null
sleep 6
echo "an image that cannot be" >&9
kubectl rollout undo deployment/blue >/dev/null
kubectl rollout status deployment/blue --timeout=120s >/dev/null
sleep 3
echo "rolled back" >&9
kubectl rollout undo deployment/blue --to-revision=1 >/dev/null
kubectl rollout status deployment/blue --timeout=120s >/dev/null
sleep 6
echo "rolled back to the first" >&9
kubectl scale deployment/blue --replicas=1 >/dev/null
sleep 6
echo "scaled down to one" >&9
exec 9>&-
wait $asking
