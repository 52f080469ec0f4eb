using Hanbae.Api;
using Hanbae.Api.Json;
using Hanbae.Api.Rest;
using Hanbae.Api.Schema;
using Hanbae.Server.Discovery;
using Hanbae.Server.Tests.Certificates;

namespace Hanbae.Server.Tests.Conversion;

/// <summary>Every resource of every version that upstream has given up: taken, kept as what it has become, given back as it was, discovered and warned about.</summary>
public sealed class OldVersionsTests
{
    const string Pod = "\"template\":{\"metadata\":{\"labels\":{\"app\":\"web\"}},\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"i\"}]}}", Selector = "\"selector\":{\"matchLabels\":{\"app\":\"web\"}},";
    const string Job = "\"jobTemplate\":{\"spec\":{\"template\":{\"spec\":{\"restartPolicy\":\"Never\",\"containers\":[{\"name\":\"c\",\"image\":\"i\"}]}}}}";
    const string Hook = "\"webhooks\":[{\"name\":\"a.example.com\",\"clientConfig\":{\"url\":\"https://example.com\"}}]";
    const string Target = "\"scaleTargetRef\":{\"kind\":\"Deployment\",\"name\":\"web\",\"apiVersion\":\"apps/v1\"},\"maxReplicas\":3";

    /// <summary>A body of each, the field that shows the difference in today's version, and in the old one.</summary>
    static readonly (string Version, string Resource, string Body, string Now, string Then)[] s_all =
    [
        ("extensions/v1beta1", "daemonsets", $$"""  "spec":{ {{Pod}} }  """, "spec.updateStrategy.type=OnDelete", "spec.selector.matchLabels.app=web"),
        ("extensions/v1beta1", "deployments", $$"""  "spec":{ {{Pod}} }  """, "spec.selector.matchLabels.app=web", "spec.strategy.rollingUpdate.maxSurge=1"),
        ("extensions/v1beta1", "replicasets", $$"""  "spec":{ {{Pod}} }  """, "spec.selector.matchLabels.app=web", "spec.replicas=1"),
        ("extensions/v1beta1", "ingresses", """  "spec":{"backend":{"serviceName":"a","servicePort":80}}  """, "spec.defaultBackend.service.port.number=80", "spec.backend.serviceName=a"),
        ("extensions/v1beta1", "networkpolicies", """  "spec":{"podSelector":{"matchLabels":{"a":"b"}}}  """, "spec.policyTypes.0=Ingress", "spec.podSelector.matchLabels.a=b"),
        ("apps/v1beta1", "controllerrevisions", "\"revision\":3,\"data\":{\"a\":\"b\"}", "revision=3", "revision=3"),
        ("apps/v1beta1", "deployments", $$"""  "spec":{ {{Pod}} }  """, "spec.revisionHistoryLimit=2", "spec.selector.matchLabels.app=web"),
        ("apps/v1beta1", "statefulsets", $$"""  "spec":{"serviceName":"s",{{Pod}} }  """, "spec.updateStrategy.type=OnDelete", "spec.selector.matchLabels.app=web"),
        ("apps/v1beta2", "controllerrevisions", "\"revision\":3,\"data\":{\"a\":\"b\"}", "revision=3", "revision=3"),
        ("apps/v1beta2", "daemonsets", $$"""  "spec":{ {{Selector}}{{Pod}} }  """, "spec.updateStrategy.type=RollingUpdate", "spec.selector.matchLabels.app=web"),
        ("apps/v1beta2", "deployments", $$"""  "spec":{ {{Selector}}{{Pod}} }  """, "spec.revisionHistoryLimit=10", "spec.strategy.rollingUpdate.maxSurge=25%"),
        ("apps/v1beta2", "replicasets", $$"""  "spec":{ {{Selector}}{{Pod}} }  """, "spec.replicas=1", "spec.replicas=1"),
        ("apps/v1beta2", "statefulsets", $$"""  "spec":{"serviceName":"s",{{Selector}}{{Pod}} }  """, "spec.updateStrategy.type=RollingUpdate", "spec.serviceName=s"),
        ("batch/v1beta1", "cronjobs", $$"""  "spec":{"schedule":"* * * * *",{{Job}} }  """, "spec.concurrencyPolicy=Allow", "spec.schedule=* * * * *"),
        ("policy/v1beta1", "poddisruptionbudgets", """  "spec":{"minAvailable":1,"selector":{}}  """, "spec.selector.matchExpressions.0.operator=Exists", "spec.selector={}"),
        ("networking.k8s.io/v1beta1", "ingresses", """  "spec":{"rules":[{"http":{"paths":[{"path":"/a","backend":{"serviceName":"a","servicePort":"http"}}]}}]}  """,
            "spec.rules.0.http.paths.0.backend.service.port.name=http", "spec.rules.0.http.paths.0.backend.servicePort=http"),
        ("networking.k8s.io/v1beta1", "ingressclasses", """  "spec":{"controller":"example.com/c"}  """, "spec.controller=example.com/c", "spec.controller=example.com/c"),
        ("rbac.authorization.k8s.io/v1beta1", "clusterroles", """  "rules":[{"apiGroups":[""],"resources":["pods"],"verbs":["get"]}]  """, "rules.0.verbs.0=get", "rules.0.resources.0=pods"),
        ("rbac.authorization.k8s.io/v1beta1", "roles", """  "rules":[{"apiGroups":[""],"resources":["pods"],"verbs":["get"]}]  """, "rules.0.verbs.0=get", "rules.0.resources.0=pods"),
        ("rbac.authorization.k8s.io/v1beta1", "clusterrolebindings", """  "roleRef":{"kind":"ClusterRole","name":"x"},"subjects":[{"kind":"User","name":"u"}]  """, "subjects.0.apiGroup=rbac.authorization.k8s.io", "roleRef.apiGroup=rbac.authorization.k8s.io"),
        ("rbac.authorization.k8s.io/v1beta1", "rolebindings", """  "roleRef":{"kind":"ClusterRole","name":"x"},"subjects":[{"kind":"ServiceAccount","name":"u","namespace":"default"}]  """, "subjects.0.kind=ServiceAccount", "subjects.0.namespace=default"),
        ("rbac.authorization.k8s.io/v1alpha1", "clusterroles", """  "rules":[{"apiGroups":[""],"resources":["pods"],"verbs":["get"]}]  """, "rules.0.verbs.0=get", "rules.0.resources.0=pods"),
        ("rbac.authorization.k8s.io/v1alpha1", "roles", """  "rules":[{"apiGroups":[""],"resources":["pods"],"verbs":["get"]}]  """, "rules.0.verbs.0=get", "rules.0.resources.0=pods"),
        ("rbac.authorization.k8s.io/v1alpha1", "clusterrolebindings", """  "roleRef":{"kind":"ClusterRole","name":"x"},"subjects":[{"kind":"User","name":"*"}]  """, "subjects.0.name=system:authenticated", "subjects.0.apiVersion=rbac.authorization.k8s.io/v1alpha1"),
        ("rbac.authorization.k8s.io/v1alpha1", "rolebindings", """  "roleRef":{"kind":"ClusterRole","name":"x"},"subjects":[{"kind":"ServiceAccount","name":"u","namespace":"default"}]  """, "subjects.0.name=u", "subjects.0.apiVersion=v1"),
        ("admissionregistration.k8s.io/v1beta1", "mutatingwebhookconfigurations", Hook, "webhooks.0.failurePolicy=Ignore", "webhooks.0.timeoutSeconds=30"),
        ("admissionregistration.k8s.io/v1beta1", "validatingwebhookconfigurations", Hook, "webhooks.0.sideEffects=Unknown", "webhooks.0.admissionReviewVersions.0=v1beta1"),
        ("storage.k8s.io/v1beta1", "csidrivers", """  "spec":{"attachRequired":false}  """, "spec.attachRequired=false", "spec.attachRequired=false"),
        ("storage.k8s.io/v1beta1", "csinodes", """  "spec":{"drivers":[]}  """, "metadata.name=web", "metadata.name=web"),
        ("storage.k8s.io/v1beta1", "csistoragecapacities", """  "storageClassName":"s","capacity":"1Gi"  """, "capacity=1Gi", "storageClassName=s"),
        ("storage.k8s.io/v1beta1", "storageclasses", """  "provisioner":"example.com/p"  """, "reclaimPolicy=Delete", "volumeBindingMode=Immediate"),
        ("storage.k8s.io/v1beta1", "volumeattachments", """  "spec":{"attacher":"a","nodeName":"n","source":{"persistentVolumeName":"p"}}  """, "spec.nodeName=n", "spec.attacher=a"),
        ("scheduling.k8s.io/v1beta1", "priorityclasses", "\"value\":7", "value=7", "preemptionPolicy=PreemptLowerPriority"),
        ("coordination.k8s.io/v1beta1", "leases", """  "spec":{"holderIdentity":"me"}  """, "spec.holderIdentity=me", "spec.holderIdentity=me"),
        ("certificates.k8s.io/v1beta1", "certificatesigningrequests", "\"spec\":{\"request\":\"REQUEST\"}", "spec.signerName=kubernetes.io/legacy-unknown", "spec.usages.0=digital signature"),
        ("discovery.k8s.io/v1beta1", "endpointslices", """  "addressType":"IPv4","endpoints":[{"addresses":["10.0.0.1"],"topology":{"topology.kubernetes.io/zone":"z","kubernetes.io/hostname":"n","x":"y"}}]  """,
            "endpoints.0.zone=z", "endpoints.0.topology.x=y"),
        ("events.k8s.io/v1beta1", "events", """  "eventTime":"2020-01-01T00:00:00.000000Z","action":"a","reason":"r","reportingController":"c.example/x","reportingInstance":"i","type":"Normal","regarding":{"kind":"Pod","name":"p","namespace":"default"}  """,
            "regarding.name=p", "reason=r"),
        ("node.k8s.io/v1beta1", "runtimeclasses", "\"handler\":\"h\"", "handler=h", "handler=h"),
        ("autoscaling/v2beta1", "horizontalpodautoscalers", $$"""  "spec":{ {{Target}},"metrics":[{"type":"Resource","resource":{"name":"cpu","targetAverageUtilization":50} },{"type":"Pods","pods":{"metricName":"m","targetAverageValue":"10"} },{"type":"External","external":{"metricName":"e","targetValue":"5"} }]}  """,
            "spec.metrics.0.resource.target.averageUtilization=50", "spec.metrics.1.pods.targetAverageValue=10"),
        ("autoscaling/v2beta2", "horizontalpodautoscalers", $$"""  "spec":{ {{Target}},"metrics":[{"type":"Resource","resource":{"name":"cpu","target":{"type":"Utilization","averageUtilization":50} } }]}  """,
            "spec.metrics.0.resource.target.averageUtilization=50", "spec.metrics.0.resource.target.type=Utilization"),
        ("apiextensions.k8s.io/v1beta1", "customresourcedefinitions", """  "spec":{"group":"example.com","version":"v1","names":{"plural":"webs","kind":"Web"}}  """, "spec.versions.0.name=v1", "spec.version=v1"),
    ];

    public static TheoryData<string, string> All
    {
        get
        {
            var all = new TheoryData<string, string>();
            foreach (var one in s_all) all.Add(one.Version, one.Resource);
            return all;
        }
    }

    static IEnumerable<ResourceInfo> Legacy => ApiData.Groups.SelectMany(g => g.Legacy.SelectMany(v => Resources.LegacyOf(new GroupVersion(g.Name, v))));

    [Fact]
    public void Every_resource_of_old_is_tried() =>
        Assert.Equal(Legacy.Select(r => $"{r.Gvr.GroupVersion} {r.Gvr.Resource}").Order(), s_all.Select(a => $"{a.Version} {a.Resource}").Order());

    [Theory, MemberData(nameof(All))]
    public async Task What_is_old_is_taken_and_given_back(string version, string resource)
    {
        var (_, _, body, now, then) = s_all.Single(a => a.Version == version && a.Resource == resource);
        TestServer? made = null;
        await using var server = made = await TestServer.StartAsync(o => o with { LegacyApis = true, Paths = [.. new DiscoveryHandler(() => made?.Server.Resources.CustomGroups ?? [], "10.0.0.1:6443", legacy: true).Routes] });
        await server.PostAsync("/api/v1/namespaces", """{"metadata":{"name":"default"}}""");
        var info = Legacy.Single(r => r.Gvr.GroupVersion.ToString() == version && r.Gvr.Resource == resource);
        string name = resource == "customresourcedefinitions" ? "webs.example.com" : "web";
        body = body.Replace("REQUEST", Convert.ToBase64String(SigningRequest.Of("web", "", "someone").Spec.Request.Span));

        var listed = await server.GetAsync("/apis/" + version);
        Assert.Contains(((JsonArray)listed.Json["resources"]!).OfType<JsonObject>(), r => r["name"]!.Equals(new JsonString(resource)));
        Assert.Contains($"\"{version}\"", (await server.GetAsync("/apis")).Body);

        string path = info.Path(info.Namespaced ? "default" : "");
        var created = await server.PostAsync(path, $$"""{"apiVersion":"{{version}}","kind":"{{info.Kind.Kind}}","metadata":{"name":"{{name}}"},{{body}}}""");
        Assert.True(created.Code == 201, created.Body);
        Assert.Contains(created.Headers.GetValues("Warning"), w => w.Contains($"{version} {info.Kind.Kind} is deprecated in v", StringComparison.Ordinal));
        Is(then, created);

        var stored = server.Server.Resources.All.Single(r => r.Info.Gvr == info.Gvr).Stored;
        var today = server.Server.Resources.All.Single(r => r.Stored == stored && (resource == "events" ? r.Info.Gvr.Group == "events.k8s.io" && !r.Info.Legacy : r.Info.Kind == stored.Kind)).Info;
        var kept = await server.GetAsync(today.Path(today.Namespaced ? "default" : "", name));
        Assert.Equal(200, kept.Code);
        Assert.False(kept.Headers.TryGetValues("Warning", out _));
        Is(now, kept);

        // Read again in the old version, alone, in a list and written back.
        var old = await server.GetAsync(path + "/" + name);
        Assert.Equal(version, old.Text("apiVersion"));
        Is(then, old);
        var list = await server.GetAsync(path);
        Assert.Equal((version, info.Kind.Kind + "List"), (list.Text("apiVersion"), list.Text("kind")));
        var written = await server.SendAsync("PUT", path + "/" + name, old.Body);
        // Of a definition the server itself goes on to write the status.
        while (written.Code == 409)
        {
            old = await server.GetAsync(path + "/" + name);
            written = await server.SendAsync("PUT", path + "/" + name, old.Body);
        }
        Assert.True(written.Code == 200, written.Body);
        Assert.Equal(old.Text("metadata", "resourceVersion"), written.Text("metadata", "resourceVersion"));
        var labelled = await server.SendAsync("PATCH", path + "/" + name, """{"metadata":{"labels":{"l":"m"}}}""", "application/merge-patch+json");
        Assert.Equal((200, "m"), (labelled.Code, labelled.Text("metadata", "labels", "l")));
        Is(then, labelled);
        Assert.Equal(200, (await server.SendAsync("DELETE", path + "/" + name)).Code);
    }

    static void Is(string expected, TestServer.Answer answer)
    {
        int at = expected.IndexOf('=');
        Assert.Equal(expected[(at + 1)..], answer.Text(expected[..at].Split('.')));
    }
}
