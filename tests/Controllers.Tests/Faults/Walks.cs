using System.Collections.Immutable;
using Hanbae.Api;
using Hanbae.Api.Apps.V1;
using Hanbae.Api.Batch.V1;
using Hanbae.Api.Certificates.V1;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Discovery.V1;
using Hanbae.Api.Meta.V1;
using Hanbae.Api.Policy.V1;
using Hanbae.Api.Rest;
using Hanbae.Client;
using Legacy = Hanbae.Api.Core.V1.Endpoints;
using V2 = Hanbae.Api.Autoscaling.V2;

namespace Hanbae.Controllers.Tests.Faults;

/// <summary>The work that controllers are seen through: each from the first object to none.</summary>
static class Walks
{
    const string Ns = "default";
    static readonly Fault[] s_clocks = [Fault.ClockForward, Fault.ClockBack];

    public static ImmutableArray<Walk> All { get; } =
    [
        new("replicationcontroller", ["replicationcontroller", "garbagecollector"],
        [
            new("adopting", async c =>
            {
                // As one of its own would be: which of them goes later is all the same. One more may be made: Pods and their controllers come by
                // two watches, and of those the later may tell first. To wait until the Pods are shown as of the controller's revision would mean to
                // compare revisions of two resources, which only one store for both promises (KEP-5504 does for one resource), and, while no Pod
                // changes anywhere, to wait for the next bookmark before the first Pod of each new controller. Upstream does not, either: what is
                // expected of the cache (there by counting, here by revision) is what oneself has written, and a stray is somebody else's.
                await c.CreateAsync(Stray("rc-stray", "rc") is var stray ? stray with { Metadata = stray.Metadata with { GenerateName = "rc-" } } : null!, default);
                await c.CreateAsync(new ReplicationController { Metadata = Named("rc"), Spec = new() { Replicas = 3, Selector = Map.Of(("app", "rc")), Template = Template("rc") } }, default);
            }, c => Has<ReplicationController>(c, "rc", r => r.Status.AvailableReplicas == 3), Spare: 1),
            new("scaling down", c => Change<ReplicationController>(c, "rc", r => r with { Spec = r.Spec with { Replicas = 1 } }), c => Has<ReplicationController>(c, "rc", r => r.Status.Replicas == 1)),
            new("releasing", async c => await Change<Pod>(c, (await OfApp(c, "rc"))[0].Metadata.Name, p => p with { Metadata = p.Metadata with { Labels = Map.Of(("app", "free")) } }),
                async c => await Count<Pod>(c) == 2 && await Has<ReplicationController>(c, "rc", r => r.Status.AvailableReplicas == 1)),
            Gone<ReplicationController>("rc", c => Left<Pod>(c, 1)),
        ]),
        new("replicaset", ["replicaset", "garbagecollector"],
        [
            new("making", c => c.CreateAsync(Set("rs", 5), default), c => Has<ReplicaSet>(c, "rs", r => r.Status.AvailableReplicas == 5)),
            new("scaling", c => Change<ReplicaSet>(c, "rs", r => r with { Spec = r.Spec with { Replicas = 2 } }), c => Has<ReplicaSet>(c, "rs", r => r.Status.Replicas == 2)),
            Gone<ReplicaSet>("rs", c => Left<Pod>(c, 0)),
        ]),
        new("deployment", ["deployment", "replicaset", "garbagecollector"],
        [
            new("making", c => c.CreateAsync(Deploy("web", 3), default), c => Has<Deployment>(c, "web", Rolled)),
            new("rolling", c => Change<Deployment>(c, "web", d => Image(d, "i:2")), c => Has<Deployment>(c, "web", Rolled)),
            new("rolling back", c => Change<Deployment>(c, "web", d => Image(d, "i:1")), c => Has<Deployment>(c, "web", Rolled)),
            new("scaling paused", c => Change<Deployment>(c, "web", d => Image(d, "i:3") with { Spec = Image(d, "i:3").Spec with { Paused = true, Replicas = 5 } }),
                c => Has<Deployment>(c, "web", d => d.Status.AvailableReplicas == 5 && d.Status.ObservedGeneration == d.Metadata.Generation)),
            Gone<Deployment>("web", async c => await Left<ReplicaSet>(c, 0) && await Left<Pod>(c, 0), "Foreground"),
        ]),
        new("recreate", ["deployment", "replicaset"],
        [
            new("making", c => c.CreateAsync(Deploy("web", 2) is var d ? d with { Spec = d.Spec with { Strategy = new() { Type = "Recreate" } } } : null!, default), c => Has<Deployment>(c, "web", Rolled)),
            new("recreating", c => Change<Deployment>(c, "web", d => Image(d, "i:2")), c => Has<Deployment>(c, "web", Rolled)),
        ]),
        new("statefulset", ["statefulset", "garbagecollector", "pvc-protection"],
        [
            new("making", c => c.CreateAsync(Stateful(), default), c => Has<StatefulSet>(c, "db", s => s.Status.AvailableReplicas == 3)),
            new("rolling", c => Change<StatefulSet>(c, "db", s => s with { Spec = s.Spec with { Template = Template("db", "i:2") } }),
                c => Has<StatefulSet>(c, "db", s => s.Status is { UpdatedReplicas: 3, AvailableReplicas: 3 } && s.Status.CurrentRevision == s.Status.UpdateRevision && s.Status.ObservedGeneration == s.Metadata.Generation)),
            new("scaling down", c => Change<StatefulSet>(c, "db", s => s with { Spec = s.Spec with { Replicas = 1 } }), async c => await Left<Pod>(c, 1) && await Left<PersistentVolumeClaim>(c, 1)),
            Gone<StatefulSet>("db", async c => await Left<Pod>(c, 0) && await Left<PersistentVolumeClaim>(c, 0)),
        ]),
        new("daemonset", ["daemonset", "garbagecollector"],
        [
            new("making", c => c.CreateAsync(Daemons(), default), c => Has<DaemonSet>(c, "agent", d => d.Status.NumberAvailable == 2)),
            new("rolling", c => Change<DaemonSet>(c, "agent", d => d with { Spec = d.Spec with { Template = Template("agent", "i:2") } }),
                c => Has<DaemonSet>(c, "agent", d => d.Status is { UpdatedNumberScheduled: 2, NumberAvailable: 2 } && d.Status.ObservedGeneration == d.Metadata.Generation)),
            Gone<DaemonSet>("agent", async c => await Left<Pod>(c, 0) && await Left<ControllerRevision>(c, 0)),
        ]),
        new("job", ["job", "garbagecollector"],
        [
            new("counting", c => c.CreateAsync(Work("sum", "done", completions: 4, parallelism: 2), default), c => Has<Job>(c, "sum", j => j.Status.Conditions.Exists(e => e is { Type: "Complete", Status: "True" }))),
            new("indexing", c => c.CreateAsync(Work("each", "done", completions: 3, parallelism: 3) is var j ? j with { Spec = j.Spec with { CompletionMode = "Indexed" } } : null!, default),
                c => Has<Job>(c, "each", j => j.Status is { CompletedIndexes: "0-2" } && j.Status.Conditions.Exists(e => e is { Type: "Complete", Status: "True" }))),
            new("failing", c => c.CreateAsync(Work("broken", "fail", completions: 1, parallelism: 1), default), c => Has<Job>(c, "broken", j => j.Status.Conditions.Exists(e => e is { Type: "Failed", Status: "True" }))),
            new("deleting", async c => { foreach (string job in (string[])["sum", "each", "broken"]) await c.DeleteAsync<Job>(new(Ns, job), new() { PropagationPolicy = "Background" }, default); },
                async c => await Left<Job>(c, 0) && await Left<Pod>(c, 0), Collects: true),
        ]) { Without = s_clocks },
        new("cronjob", ["cronjob", "job", "garbagecollector"],
        [
            new("firing", c => c.CreateAsync(Noon(), default), async c => await Has<CronJob>(c, "noon", n => n.Status.LastSuccessfulTime is not null && n.Status.Active.IsEmpty) && await Left<Job>(c, 1)),
            Gone<CronJob>("noon", async c => await Left<Job>(c, 0) && await Left<Pod>(c, 0)),
        ]) { Without = s_clocks },
        new("endpoints", ["endpoint", "endpointslice", "replicaset", "garbagecollector"],
        [
            new("reflecting", async c =>
            {
                await c.CreateAsync(Headless("web", "rs"), default);
                await c.CreateAsync(Set("rs", 3), default);
            }, async c => await Has<Legacy>(c, "web", e => e.Subsets is [{ Addresses.Count: > 0, NotReadyAddresses.IsEmpty: true }]) && await Left<EndpointSlice>(c, 1) && (await List<EndpointSlice>(c))[0].Endpoints.Count == 3),
            new("following", c => Change<ReplicaSet>(c, "rs", r => r with { Spec = r.Spec with { Replicas = 1 } }), async c => (await List<EndpointSlice>(c))[0].Endpoints.Count == 1),
            Gone<Service>("web", async c => await Left<EndpointSlice>(c, 0) && await Left<Legacy>(c, 0)),
        ]),
        new("mirrored endpoints", ["endpointslicemirroring", "garbagecollector"],
        [
            new("mirroring", async c =>
            {
                await c.CreateAsync(Headless("db", ""), default);
                await c.CreateAsync(new Legacy { Metadata = Named("db"), Subsets = [new() { Addresses = [new() { Ip = "10.9.8.7" }], Ports = [new() { Port = 1, Protocol = "TCP" }] }] }, default);
            }, c => Left<EndpointSlice>(c, 1)),
            Gone<Legacy>("db", c => Left<EndpointSlice>(c, 0)),
        ]),
        new("namespace", ["namespace", "serviceaccount"],
        [
            new("making", async c =>
            {
                await c.CreateAsync(new Namespace { Metadata = new() { Name = "shop" } }, default);
                for (int i = 0; i < 3; i++) await c.CreateAsync(new ConfigMap { Metadata = new() { Name = $"m{i}", Namespace = "shop" } }, default);
                await c.CreateAsync(Stray("p", "p") is var p ? p with { Metadata = p.Metadata with { Namespace = "shop" } } : null!, default);
            }, async c => await c.FindAsync<ServiceAccount>(new("shop", "default"), default) is not null && await c.FindAsync<Pod>(new("shop", "p"), default) is { Status.Phase: "Running" }),
            new("deleting", c => c.DeleteAsync<Namespace>(new("", "shop"), DeleteOptions.Empty, default), async c => await c.FindAsync<Namespace>(new("", "shop"), default) is null, Collects: true),
        ]),
        new("garbage", ["garbagecollector"],
        [
            new("making", async c =>
            {
                foreach (string owner in (string[])["gone", "freed", "front"])
                {
                    var made = await c.CreateAsync(new ConfigMap { Metadata = Named(owner) }, default);
                    for (int i = 0; i < 3; i++)
                        await c.CreateAsync(new ConfigMap { Metadata = Named($"{owner}-{i}") with { OwnerReferences = [new() { ApiVersion = "v1", Kind = "ConfigMap", Name = owner, Uid = made.Metadata.Uid, BlockOwnerDeletion = true }] } }, default);
                }
            }, c => Left<ConfigMap>(c, 12)),
            new("deleting", async c =>
            {
                await c.DeleteAsync<ConfigMap>(new(Ns, "gone"), new() { PropagationPolicy = "Background" }, default);
                await c.DeleteAsync<ConfigMap>(new(Ns, "freed"), new() { PropagationPolicy = "Orphan" }, default);
                await c.DeleteAsync<ConfigMap>(new(Ns, "front"), new() { PropagationPolicy = "Foreground" }, default);
            }, async c => (await List<ConfigMap>(c)).Select(m => m.Metadata.Name).Order().SequenceEqual(["freed-0", "freed-1", "freed-2"])),
        ]),
        new("volumes", ["persistentvolume-binder", "pvc-protection", "pv-protection"],
        [
            new("binding", async c =>
            {
                await c.CreateAsync(Volumes.Storage.Volume("v", phase: "Available"), default);
                await c.CreateAsync(Volumes.Storage.Claim("claim"), default);
            }, c => Has<PersistentVolumeClaim>(c, "claim", p => p.Status.Phase == "Bound")),
            new("releasing", c => c.DeleteAsync<PersistentVolumeClaim>(new(Ns, "claim"), DeleteOptions.Empty, default),
                async c => await c.FindAsync<PersistentVolumeClaim>(new(Ns, "claim"), default) is null && (await c.GetAsync<PersistentVolume>(new("", "v"), default)).Status.Phase == "Released"),
            new("deleting", c => c.DeleteAsync<PersistentVolume>(new("", "v"), DeleteOptions.Empty, default), async c => await c.FindAsync<PersistentVolume>(new("", "v"), default) is null),
        ]),
        new("quota", ["resourcequota", "replicaset"],
        [
            new("counting", async c =>
            {
                await c.CreateAsync(new ResourceQuota { Metadata = Named("q"), Spec = new() { Hard = Map.Of(("pods", Quantity.Parse("9")), ("configmaps", Quantity.Parse("9"))) } }, default);
                await c.CreateAsync(Set("rs", 2), default);
                await c.CreateAsync(new ConfigMap { Metadata = Named("m") }, default);
            }, c => Has<ResourceQuota>(c, "q", q => q.Status.Used["pods"] == Quantity.Parse("2") && q.Status.Used["configmaps"] == Quantity.Parse("1"))),
            new("following", async c =>
            {
                await Change<ReplicaSet>(c, "rs", r => r with { Spec = r.Spec with { Replicas = 0 } });
                await Change<ResourceQuota>(c, "q", q => q with { Spec = new() { Hard = Map.Of(("pods", Quantity.Parse("3"))) } });
            }, c => Has<ResourceQuota>(c, "q", q => q.Status.Used.Count == 1 && q.Status.Used["pods"].IsZero)),
        ]),
        new("autoscaler", ["horizontalpodautoscaling", "deployment", "replicaset"],
        [
            new("scaling", async c =>
            {
                await c.CreateAsync(Deploy("web", 2), default);
                await c.CreateAsync(Scaler(), default);
            }, async c => await Has<V2.HorizontalPodAutoscaler>(c, "web", h => h.Status is { CurrentReplicas: 4, DesiredReplicas: 4 }) && await Has<Deployment>(c, "web", d => Rolled(d) && d.Spec.Replicas == 4)),
        ]) { Intercept = Load, Without = s_clocks },
        new("disruption", ["disruption", "replicaset", "ttl-after-finished", "job", "garbagecollector"],
        [
            new("allowing", async c =>
            {
                await c.CreateAsync(new PodDisruptionBudget { Metadata = Named("b"), Spec = new() { MinAvailable = 2, Selector = Select("rs") } }, default);
                await c.CreateAsync(Set("rs", 3), default);
                await c.CreateAsync(Work("brief", "done", 1, 1) is var j ? j with { Spec = j.Spec with { TtlSecondsAfterFinished = 30 } } : null!, default);
            }, async c => await Has<PodDisruptionBudget>(c, "b", b => b.Status is { DisruptionsAllowed: 1, CurrentHealthy: 3 }) && await Left<Job>(c, 0)),
        ]) { Without = s_clocks },
        new("certificates", ["certificatesigningrequest-approving-controller"],
        [
            new("approving", async c =>
            {
                foreach (string name in (string[])["csr-a", "csr-b", "csr-c"]) await c.CreateAsync(Joining(name), default);
                // Nobody's business here.
                await c.CreateAsync(Joining("csr-other") is var other ? other with { Spec = other.Spec with { SignerName = "example.com/other" } } : null!, default);
            }, async c => (await c.ListAsync<CertificateSigningRequest>(new(), default)).Items.Count(r => r.Status.Conditions is [{ Type: "Approved", Reason: "AutoApproved" }]) == 3),
        ]),
    ];

    /// <summary>The same for each run: a key is drawn once.</summary>
    static readonly Lazy<Bytes> s_asked = new(static () =>
    {
        using var key = System.Security.Cryptography.ECDsa.Create(System.Security.Cryptography.ECCurve.NamedCurves.nistP256);
        return Bytes.FromText(new System.Security.Cryptography.X509Certificates.CertificateRequest(
            "O=system:nodes, CN=system:node:one", key, System.Security.Cryptography.HashAlgorithmName.SHA256).CreateSigningRequestPem());
    });

    static CertificateSigningRequest Joining(string name) => new()
    {
        Metadata = new() { Name = name },
        Spec = new() { Request = s_asked.Value, SignerName = "kubernetes.io/kube-apiserver-client-kubelet", Usages = ["digital signature", "key encipherment", "client auth"] },
    };

    static ObjectMeta Named(string name) => new() { Name = name, Namespace = Ns };
    static LabelSelector Select(string app) => new() { MatchLabels = Map.Of(("app", app)) };
    static PodTemplateSpec Template(string app, string image = "i:1", string container = "runs") =>
        new() { Metadata = new() { Labels = Map.Of(("app", app)) }, Spec = new() { Containers = [new() { Name = container, Image = image }], TerminationGracePeriodSeconds = 1 } };
    static Pod Stray(string name, string app) => new() { Metadata = Named(name) with { Labels = Map.Of(("app", app)) }, Spec = Template(app).Spec };
    static ReplicaSet Set(string name, int replicas) => new() { Metadata = Named(name), Spec = new() { Replicas = replicas, Selector = Select(name), Template = Template(name) } };
    static Deployment Deploy(string name, int replicas) => new() { Metadata = Named(name), Spec = new() { Replicas = replicas, Selector = Select(name), Template = Template(name) } };
    static Deployment Image(Deployment d, string image) => d with { Spec = d.Spec with { Template = d.Spec.Template.Image(image) } };
    static bool Rolled(Deployment d) => d.Status.ObservedGeneration == d.Metadata.Generation && d.Status.AvailableReplicas == d.Spec.Replicas && d.Status.UpdatedReplicas == d.Spec.Replicas && d.Status.Replicas == d.Spec.Replicas;
    static Service Headless(string name, string app) => new() { Metadata = Named(name), Spec = new() { ClusterIP = "None", Ports = [new() { Port = 80 }], Selector = app.Length == 0 ? default : Map.Of(("app", app)) } };

    static StatefulSet Stateful() => new()
    {
        Metadata = Named("db"),
        Spec = new()
        {
            Replicas = 3, ServiceName = "db", Selector = Select("db"), Template = Template("db"), PersistentVolumeClaimRetentionPolicy = new() { WhenDeleted = "Delete", WhenScaled = "Delete" },
            VolumeClaimTemplates = [new() { Metadata = new() { Name = "data" }, Spec = new() { AccessModes = ["ReadWriteOnce"], Resources = new() { Requests = Map.Of(("storage", Quantity.Parse("1Gi"))) } } }],
        },
    };

    static DaemonSet Daemons() => new() { Metadata = Named("agent"), Spec = new() { Selector = Select("agent"), Template = Template("agent") } };

    static Job Work(string name, string ends, int completions, int parallelism) => new()
    {
        Metadata = Named(name),
        Spec = new() { Completions = completions, Parallelism = parallelism, BackoffLimit = 0, Template = Template(name, container: ends) is var t ? t with { Spec = t.Spec with { RestartPolicy = "Never" } } : t },
    };

    static CronJob Noon() => new()
    {
        Metadata = Named("noon"),
        Spec = new() { Schedule = "0 12 1 1 *", TimeZone = "Etc/UTC", ConcurrencyPolicy = "Forbid", JobTemplate = new() { Spec = Work("noon", "done", 2, 2).Spec } },
    };

    static V2.HorizontalPodAutoscaler Scaler() => new()
    {
        Metadata = Named("web"),
        Spec = new()
        {
            ScaleTargetRef = new() { Kind = "Deployment", Name = "web", ApiVersion = "apps/v1" }, MinReplicas = 1, MaxReplicas = 4,
            Metrics = [new() { Type = "External", External = new() { Metric = new() { Name = "queue" }, Target = new() { Type = "Value", Value = Quantity.Parse("1") } } }],
        },
    };

    /// <summary>What there is to do is ten times what one Pod can, always.</summary>
    static ApiResult? Load(ApiRequest request) => request.Path != "/apis/external.metrics.k8s.io/v1beta1/namespaces/default/queue" ? null
        : new() { Code = 200, Body = """{"kind":"ExternalMetricValueList","apiVersion":"external.metrics.k8s.io/v1beta1","items":[{"metricName":"queue","timestamp":"2030-01-01T12:00:00Z","value":"10"}]}"""u8.ToArray() };

    static async Task<IReadOnlyList<T>> List<T>(IClient c) where T : class, IObject<T> => (await c.ListAsync<T>(new() { Namespace = Ns }, default)).Items;
    static async Task<int> Count<T>(IClient c) where T : class, IObject<T> => (await List<T>(c)).Count;
    static async Task<bool> Left<T>(IClient c, int count) where T : class, IObject<T> => await Count<T>(c) == count;
    static async Task<IReadOnlyList<Pod>> OfApp(IClient c, string app) => [.. (await List<Pod>(c)).Where(p => p.Metadata.Labels["app"] == app).OrderBy(p => p.Metadata.GenerateName.Length).ThenBy(p => p.Metadata.Name)];
    static async Task<bool> Has<T>(IClient c, string name, Func<T, bool> holds) where T : class, IObject<T> => await c.FindAsync<T>(new(Ns, name), default) is { } there && holds(there);
    static async Task Change<T>(IClient c, string name, Func<T, T> change) where T : class, IObject<T>
    {
        while (true)
            try { await c.UpdateWithRetryAsync<T>(new(Ns, name), change, default); return; }
            catch (ApiException e) when (e.IsConflict) { }
    }

    static Step Gone<T>(string name, Func<IClient, Task<bool>> left, string how = "Background") where T : class, IObject<T> =>
        new("deleting", c => c.DeleteAsync<T>(new(Ns, name), new() { PropagationPolicy = how }, default), async c => await c.FindAsync<T>(new(Ns, name), default) is null && await left(c), Collects: true);
}
