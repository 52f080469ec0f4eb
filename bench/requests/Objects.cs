using System.Text;

namespace Hanbae.Bench.Requests;

/// <summary>The bodies that are sent: a Pod like the load generator's, 1.4 KB as sent and 3.6 KB as stored, and a Lease and a Node's status as a kubelet sends them.</summary>
static class Objects
{
    public static byte[] Pod(int i) => Utf8($$$$$"""
        {"apiVersion":"v1","kind":"Pod","metadata":{"name":"p-{{{{{i:D6}}}}}","namespace":"load","labels":{"app":"app-{{{{{i % 100}}}}}","tier":"web","pod-template-hash":"7c5ddbdf54"},"annotations":{"note":"{{{{{new string('x', 120)}}}}}"}},
        "spec":{"nodeName":"node-{{{{{i % 500}}}}}","containers":[{"name":"web","image":"registry.example/web:1.2.3","ports":[{"containerPort":8080,"name":"http","protocol":"TCP"}],"env":[{"name":"A","value":"1"},{"name":"B","value":"two"},{"name":"POD","valueFrom":{"fieldRef":{"fieldPath":"metadata.name"}}}],"resources":{"requests":{"cpu":"100m","memory":"128Mi"},"limits":{"cpu":"500m","memory":"256Mi"}},"livenessProbe":{"httpGet":{"path":"/healthz","port":"http"},"periodSeconds":10},"volumeMounts":[{"name":"data","mountPath":"/data"},{"name":"cfg","mountPath":"/etc/cfg"}]}],
        "volumes":[{"name":"data","emptyDir":{}},{"name":"cfg","configMap":{"name":"cfg","optional":true}}],"tolerations":[{"key":"dedicated","operator":"Exists","effect":"NoSchedule"}],"automountServiceAccountToken":false}}
        """);

    public static byte[] Annotation(string name, int value) => Utf8($$$$"""{"metadata":{"annotations":{"{{{{name}}}}":"{{{{value}}}}"}}}""");

    public static byte[] PodStatus(int round) => Utf8($$$$$"""
        {"status":{"phase":"Running","hostIP":"10.0.0.1","podIP":"10.1.0.{{{{{round % 250}}}}}","startTime":"2026-01-01T00:00:00Z","conditions":[{"type":"Ready","status":"True","lastTransitionTime":"2026-01-01T00:00:00Z"},{"type":"ContainersReady","status":"True","lastTransitionTime":"2026-01-01T00:00:00Z"}]}}
        """);

    /// <summary>What a client applies: a part of the Pod under a manager of its own.</summary>
    public static byte[] Applied(int i, int round) => Utf8($$$$"""{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p-{{{{i:D6}}}}","labels":{"applied":"r{{{{round}}}}"},"annotations":{"by":"apply"}}}""");

    static byte[] Utf8(string text) => Encoding.UTF8.GetBytes(text);
}
