# What the Python client does in daily life: create, watch while something changes, replace, scale, meet errors, delete.
import json
import sys
import threading

from kubernetes import client, config, watch

ns = sys.argv[1]
config.load_kube_config()
core, apps = client.CoreV1Api(), client.AppsV1Api()

container = client.V1Container(name="web", image="web:1")
labels = {"app": "web"}
deployment = client.V1Deployment(
    metadata=client.V1ObjectMeta(name="web"),
    spec=client.V1DeploymentSpec(
        replicas=2,
        selector=client.V1LabelSelector(match_labels=labels),
        template=client.V1PodTemplateSpec(metadata=client.V1ObjectMeta(labels=labels), spec=client.V1PodSpec(containers=[container])),
    ),
)
print("created", apps.create_namespaced_deployment(ns, deployment).metadata.name, deployment.spec.replicas)

# The watcher loop: told what changes, from the list's version on.
version = core.list_namespaced_config_map(ns, label_selector="watched=yes").metadata.resource_version


def change():
    core.create_namespaced_config_map(ns, client.V1ConfigMap(metadata=client.V1ObjectMeta(name="web-0", labels={"watched": "yes"}), data={"a": "1"}))
    core.patch_namespaced_config_map("web-0", ns, {"data": {"a": "2"}})
    core.delete_namespaced_config_map("web-0", ns)


changing = threading.Thread(target=change)
changing.start()
told, watcher = [], watch.Watch()
for event in watcher.stream(core.list_namespaced_config_map, ns, label_selector="watched=yes", resource_version=version, timeout_seconds=60):
    told.append(f"{event['type']} {event['object'].metadata.name}")
    if event["type"] == "DELETED":
        watcher.stop()
changing.join()
print(*told)

while True:  # Its controller writes status meanwhile: a conflict is to be tried again.
    deployment = apps.read_namespaced_deployment("web", ns)
    deployment.spec.replicas = 4
    try:
        print("replaced", apps.replace_namespaced_deployment("web", ns, deployment).spec.replicas)
        break
    except client.exceptions.ApiException as e:
        if e.status != 409:
            raise
print("scaled", apps.patch_namespaced_deployment_scale("web", ns, {"spec": {"replicas": 3}}).spec.replicas)

fresh = client.V1Deployment(metadata=client.V1ObjectMeta(name="web"), spec=deployment.spec)
for attempt in (lambda: core.read_namespaced_pod("nope", ns), lambda: apps.create_namespaced_deployment(ns, fresh)):
    try:
        attempt()
    except client.exceptions.ApiException as e:
        status = json.loads(e.body)
        print(e.status, status["reason"], status["message"])

apps.delete_namespaced_deployment("web", ns)
print("deleted")
