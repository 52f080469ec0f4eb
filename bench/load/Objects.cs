namespace Hanbae.Bench.Load;

/// <summary>What is written: Pods of 1.4 KB (3.6 KB as they are stored), custom objects of the same content, nodes and what their kubelets send.</summary>
static class Objects
{
    const string CustomGroup = "bench.example";

    public static string Pod(string ns, int i, string tier = "web") => $$$$$"""
        {"apiVersion":"v1","kind":"Pod","metadata":{"name":"p-{{{{{i:D6}}}}}","namespace":"{{{{{ns}}}}}","labels":{"app":"app-{{{{{i % 100}}}}}","tier":"{{{{{tier}}}}}","pod-template-hash":"7c5ddbdf54"},"annotations":{"note":"{{{{{new string('x', 120)}}}}}"}},
        "spec":{{{{{Spec(i)}}}}}}
        """;

    static string Spec(int i) => $$$$$"""
        {"nodeName":"node-{{{{{i % 500}}}}}","serviceAccountName":"default","serviceAccount":"default","containers":[{"name":"web","image":"registry.example/web:1.2.3","ports":[{"containerPort":8080,"name":"http","protocol":"TCP"}],"env":[{"name":"A","value":"1"},{"name":"B","value":"two"},{"name":"POD","valueFrom":{"fieldRef":{"fieldPath":"metadata.name"}}}],"resources":{"requests":{"cpu":"100m","memory":"128Mi"},"limits":{"cpu":"500m","memory":"256Mi"}},"livenessProbe":{"httpGet":{"path":"/healthz","port":"http"},"periodSeconds":10},"volumeMounts":[{"name":"data","mountPath":"/data"},{"name":"cfg","mountPath":"/etc/cfg"}]}],
        "volumes":[{"name":"data","emptyDir":{}},{"name":"cfg","configMap":{"name":"cfg","optional":true}}],"tolerations":[{"key":"dedicated","operator":"Exists","effect":"NoSchedule"}],"automountServiceAccountToken":false}
        """;

    public const string CustomPath = "/apis/" + CustomGroup + "/v1/namespaces/";

    /// <summary>A kind whose objects say what Pods say.</summary>
    public const string Definition = """
        {"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","metadata":{"name":"things.bench.example"},"spec":{"group":"bench.example","scope":"Namespaced","names":{"plural":"things","singular":"thing","kind":"Thing","listKind":"ThingList"},
        "versions":[{"name":"v1","served":true,"storage":true,"subresources":{"status":{}},"schema":{"openAPIV3Schema":{"type":"object","properties":{"spec":{"type":"object","x-kubernetes-preserve-unknown-fields":true},"status":{"type":"object","x-kubernetes-preserve-unknown-fields":true}}}}}]}}
        """;

    public static string Custom(string ns, int i) => Pod(ns, i).Replace("\"apiVersion\":\"v1\",\"kind\":\"Pod\"", "\"apiVersion\":\"bench.example/v1\",\"kind\":\"Thing\"", StringComparison.Ordinal);

    public static string Annotation(string name, int value) => $$$$"""{"metadata":{"annotations":{"{{{{name}}}}":"{{{{value}}}}"}}}""";

    public static string Applied(int i) => $$$$"""{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p-{{{{i:D6}}}}","labels":{"applied":"yes"},"annotations":{"by":"apply"}}}""";

    public static string Node(int i) => $$$$"""{"apiVersion":"v1","kind":"Node","metadata":{"name":"load-{{{{i}}}}","labels":{"kubernetes.io/hostname":"load-{{{{i}}}}","topology.kubernetes.io/zone":"z{{{{i % 3}}}}"}}}""";

    /// <param name="version">Of the one that is replaced; empty to make one.</param>
    public static string Lease(int i, DateTimeOffset renewed, string version = "") => $$$$"""
        {"apiVersion":"coordination.k8s.io/v1","kind":"Lease","metadata":{"name":"load-{{{{i}}}}","namespace":"kube-node-lease","resourceVersion":"{{{{version}}}}"},"spec":{"holderIdentity":"load-{{{{i}}}}","leaseDurationSeconds":40,"renewTime":"{{{{renewed:yyyy-MM-ddTHH:mm:ss.ffffffZ}}}}"}}
        """;

    /// <summary>What a kubelet sends when something of its node changed: the conditions, each with its heartbeat.</summary>
    public static string NodeStatus(DateTimeOffset now)
    {
        string Condition(string type, string status, string reason) =>
            $$$$"""{"type":"{{{{type}}}}","status":"{{{{status}}}}","reason":"{{{{reason}}}}","message":"kubelet says so","lastHeartbeatTime":"{{{{now:yyyy-MM-ddTHH:mm:ssZ}}}}","lastTransitionTime":"2026-01-01T00:00:00Z"}""";
        return $$$$"""
            {"status":{"capacity":{"cpu":"32","memory":"64Gi","pods":"110"},"allocatable":{"cpu":"32","memory":"64Gi","pods":"110"},"conditions":[{{{{Condition("MemoryPressure", "False", "KubeletHasSufficientMemory")}}}},{{{{Condition("DiskPressure", "False", "KubeletHasNoDiskPressure")}}}},{{{{Condition("PIDPressure", "False", "KubeletHasSufficientPID")}}}},{{{{Condition("Ready", "True", "KubeletReady")}}}}]}}
            """;
    }

    public static string PodStatus(int i) => $$$$$"""
        {"status":{"phase":"Running","hostIP":"10.0.0.1","podIP":"10.1.{{{{{i / 250 % 250}}}}}.{{{{{i % 250}}}}}","startTime":"2026-01-01T00:00:00Z","conditions":[{"type":"Ready","status":"True","lastTransitionTime":"2026-01-01T00:00:00Z"},{"type":"ContainersReady","status":"True","lastTransitionTime":"2026-01-01T00:00:00Z"}],
        "containerStatuses":[{"name":"web","ready":true,"restartCount":0,"image":"registry.example/web:1.2.3","imageID":"sha256:0","containerID":"containerd://{{{{{i}}}}}","state":{"running":{"startedAt":"2026-01-01T00:00:00Z"}}}]}}
        """;
}
