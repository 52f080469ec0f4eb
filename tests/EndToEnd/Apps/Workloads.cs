using System.Text.Json.Nodes;
using Hanbae.EndToEnd.Clients;
using Hanbae.EndToEnd.Rig;

namespace Hanbae.EndToEnd.Apps;

/// <summary>Tests of what keeps Pods, on nodes that only pretend to run them, by the verbs of the API.</summary>
[Collection(ClientCluster.Name)]
public abstract class Workloads(ClientCluster shared) : NamespaceTest(shared.Cluster)
{
    protected const string Deployments = "deployments", ReplicaSets = "replicasets", StatefulSets = "statefulsets", DaemonSets = "daemonsets", Controllers = "replicationcontrollers";

    protected Objects Apps(string resource) => Of(resource == Controllers ? "v1" : "apps/v1", resource);

    protected Objects Pods => Of("v1", "pods");

    /// <summary>One of a resource whose Pods carry the label <c>app</c> with its name, and that carries labels itself.</summary>
    protected static string Workload(string resource, string name, int replicas, string labels = "", string more = "") => $$"""
        metadata: {name: {{name}}, labels: {app: {{name}}{{(labels.Length > 0 ? ", " + labels : "")}} } }
        spec: {{{(resource == DaemonSets ? "" : $"replicas: {replicas}, ")}}{{(resource == StatefulSets ? "serviceName: test, " : "")}}{{(more.Length > 0 ? more + ", " : "")}}selector: {{(resource == Controllers ? $"{{app: {name}}}" : $"{{matchLabels: {{app: {name}}}}}")}}, template: {metadata: {labels: {app: {{name}} } }, spec: {terminationGracePeriodSeconds: 0, containers: [{name: main, image: 'busybox:1'}]} } }
        """;

    /// <summary>Made, with all Pods ready.</summary>
    protected async Task<JsonNode> ReadyAsync(string resource, string name, int replicas, string labels = "")
    {
        await Apps(resource).CreateAsync(Workload(resource, name, replicas, labels));
        return await Apps(resource).UntilAsync(name, o => Ready(resource, o));
    }

    protected static bool Ready(string resource, JsonNode o) => resource == DaemonSets
        ? o.Number("status.desiredNumberScheduled") == 2 && o.Number("status.numberReady") == 2
        : o.Number("status.readyReplicas") == o.Number("spec.replicas") && (resource is StatefulSets || o.Number("status.availableReplicas") == o.Number("spec.replicas"));

    /// <summary>Objects of a resource in all namespaces.</summary>
    protected Objects Everywhere(string version, string resource) => new(Api, version, resource);
}
