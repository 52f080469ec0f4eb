using System.Diagnostics;
using System.Globalization;
using Hanbae.Api;
using Hanbae.Api.Apps.V1;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Discovery.V1;
using Hanbae.Api.Meta.V1;
using Hanbae.Api.Policy.V1;
using Hanbae.Api.Rbac.V1;
using Hanbae.Api.Rest;
using Hanbae.Client;
using Hanbae.Controllers;
using Job = Hanbae.Api.Batch.V1.Job;

namespace Hanbae.Bench.Controllers;

/// <summary>What one change costs each controller as the number of objects grows: <c>dotnet run -c Release --project bench/controllers -- each [sizes]</c>.</summary>
/// <remarks>
/// All in one namespace: Pods, ten of each ReplicaSet of each Deployment, with a Service, a PodDisruptionBudget, EndpointSlice, claim, volume and Job for
/// every ten; a node for every hundred; as many Pods and Secrets again that nobody owns. On <see cref="Paper"/>: the controller alone, its reconciler called for
/// each key that a change gives, one after the other.
/// </remarks>
static class Each
{
    const int Changes = 100;
    const string Ns = "bench";
    static int s_version = 1_000_000;

    public static async Task RunAsync(int[] sizes)
    {
        Console.WriteLine($"{Environment.ProcessorCount} processors, .NET {Environment.Version}; for one change: keys, requests, µs of processor, KB allocated, at {string.Join(", ", sizes)} Pods");
        var rows = new SortedDictionary<string, Cost?[]>(StringComparer.Ordinal);
        for (int i = 0; i < sizes.Length; i++)
        {
            // One for all: what they index is the same for each size.
            var paper = Filled(sizes[i]);
            foreach (var entry in Catalog.All)
                foreach (var (change, cost) in await MeasureAsync(entry, paper, sizes[i]))
                {
                    if (!rows.TryGetValue($"{entry.Name} · {change}", out var row)) rows[$"{entry.Name} · {change}"] = row = new Cost?[sizes.Length];
                    row[i] = cost;
                }
        }
        foreach (var (name, costs) in rows)
        {
            if (costs.All(c => c is null or { Keys: 0 })) continue;
            bool grows = costs[0] is { } small && costs[^1] is { } large && large.Kb > 3 * small.Kb + 4;
            Console.WriteLine($"{(grows ? "!" : " ")} {name,-72} {string.Join("   ", costs.Select(c => c is { } k ? $"{k.Keys,5:N1} {k.Requests,5:N1} {k.Micros,8:N0} {k.Kb,8:N1}" : new string(' ', 29)))}");
        }
    }

    readonly record struct Cost(double Keys, double Requests, double Micros, double Kb);

    static async Task<List<(string Change, Cost Cost)>> MeasureAsync(CatalogEntry entry, Paper paper, int size)
    {
        using var stop = new CancellationTokenSource();
        HashSet<Key> keys = [];
        var reconciler = entry.Make(paper, ControllerOptions.Default with { ServiceAccountToken = static (_, _) => "token", ClusterCidr = "10.0.0.0/8" });
        using var triggers = new QueueTriggers(key => { lock (keys) keys.Add(key); });
        reconciler.Watch(triggers);
        GC.Collect();
        List<(string, Cost)> costs = [];
        foreach (var (name, change) in ChangesOf(paper, size))
        {
            await DrainAsync();
            // Once unmeasured, for what is made at the first use.
            for (int warm = 0; warm < 3; warm++) { change(warm); await DrainAsync(); }
            int done = 0, before = paper.Requests;
            var cpu = Cpu();
            long allocated = GC.GetTotalAllocatedBytes(true);
            for (int i = 0; i < Changes; i++)
            {
                change(10 + i);
                done += await DrainAsync();
            }
            costs.Add((name, new((double)done / Changes, (double)(paper.Requests - before) / Changes, (Cpu() - cpu).TotalMicroseconds / Changes, (GC.GetTotalAllocatedBytes(true) - allocated) / 1024.0 / Changes)));
        }
        return costs;

        async Task<int> DrainAsync()
        {
            int count = 0;
            Key[] now;
            lock (keys) { now = [.. keys]; keys.Clear(); }
            // What the first look at everything gives is not of interest.
            if (now.Length > 1000) return 0;
            foreach (var key in now)
            {
                count++;
                try { await reconciler.ReconcileAsync(key, stop.Token); }
                catch (Exception e) when (e is ApiException or InvalidOperationException) { }
            }
            return count;
        }
    }

    static IEnumerable<(string, Action<int>)> ChangesOf(Paper paper, int size)
    {
        int groups = size / 10;
        Job? gone = null;
        int Of(int i, int among) => (int)(i * 7919L % among);
        void Apply<T>(string name, Func<T, T> change, string ns = Ns) where T : class, IObject<T>
        {
            var cache = paper.CacheOf<T>();
            var next = change(cache.Find(new(ns, name))!);
            cache.Apply(new(SyncKind.Applied, next.WithMetadata(next.Metadata with { ResourceVersion = $"{++s_version}" })));
        }
        yield return ("a Pod gets ready or not", i => Apply<Pod>($"web-{Of(i, size)}", p => Ready(p, i % 2 == 0)));
        yield return ("a Pod goes and comes", i =>
        {
            var cache = paper.CacheOf<Pod>();
            var pod = cache.Find(new(Ns, $"web-{Of(i, size)}"))!;
            cache.Apply(new(SyncKind.Deleted, pod));
            cache.Apply(new(SyncKind.Applied, (Pod)pod.WithMetadata(pod.Metadata with { ResourceVersion = $"{++s_version}", Uid = pod.Metadata.Uid + "x" })));
        });
        yield return ("a ReplicaSet reports", i => Apply<ReplicaSet>($"web-{Of(i, groups)}", s => s with { Status = s.Status with { ReadyReplicas = i % 7, AvailableReplicas = i % 7 } }));
        yield return ("a Deployment changes", i => Apply<Deployment>($"web-{Of(i, groups)}", d => Noted(d, i)));
        yield return ("a Service changes", i => Apply<Service>($"web-{Of(i, groups)}", s => Noted(s, i)));
        yield return ("a PodDisruptionBudget changes", i => Apply<PodDisruptionBudget>($"web-{Of(i, groups)}", b => Noted(b, i)));
        yield return ("a Job changes", i => Apply<Job>($"job-{Of(i, groups)}", j => Noted(j, i)));
        yield return ("a claim changes", i => Apply<PersistentVolumeClaim>($"data-{Of(i, groups)}", c => Noted(c, i)));
        yield return ("a volume changes", i => Apply<PersistentVolume>($"pv-{Of(i, groups)}", v => Noted(v, i), ""));
        yield return ("a node reports", i => Apply<Node>($"node-{Of(i, Math.Max(1, size / 100))}", n => Noted(n, i), ""));
        yield return ("a node goes, and one comes", i =>
        {
            var cache = paper.CacheOf<Node>();
            var node = cache.Find(new("", $"node-{Of(i, Math.Max(1, size / 100))}"))!;
            cache.Apply(new(SyncKind.Deleted, node));
            cache.Apply(new(SyncKind.Applied, node with { Metadata = node.Metadata with { ResourceVersion = $"{++s_version}", Uid = node.Metadata.Uid + "x" }, Spec = new() }));
        });
        yield return ("a daemon's Pod gets ready or not", i => Apply<Pod>($"agent-{Of(i, Math.Max(1, size / 100))}", p => Ready(p, i % 2 == 0)));
        yield return ("a Job goes", i =>
        {
            var cache = paper.CacheOf<Job>();
            if (gone is not null) cache.Apply(new(SyncKind.Applied, gone with { Metadata = gone.Metadata with { ResourceVersion = $"{++s_version}" } }));
            cache.Apply(new(SyncKind.Deleted, gone = cache.Find(new(Ns, $"job-{Of(i, groups)}"))!));
        });
        if (gone is not null) paper.CacheOf<Job>().Apply(new(SyncKind.Applied, gone with { Metadata = gone.Metadata with { ResourceVersion = $"{++s_version}" } }));
        yield return ("an account changes", i => Apply<ServiceAccount>($"account-{Of(i, groups)}", a => Noted(a, i)));
        yield return ("a ClusterRole changes", i => Apply<ClusterRole>($"role-{Of(i, groups)}", r => Noted(r, i), ""));
        yield return ("a namespace changes", i => Apply<Namespace>(Ns, n => Noted(n, i), ""));
    }

    static T Noted<T>(T obj, int i) where T : class, IObject<T> => (T)obj.WithMetadata(obj.Metadata with { Annotations = Map.Of(("n", i.ToString(CultureInfo.InvariantCulture))) });

    static Pod Ready(Pod pod, bool ready) => pod with
    {
        Status = pod.Status with { Conditions = [new PodCondition { Type = "Ready", Status = ready ? "True" : "False", LastTransitionTime = DateTimeOffset.UnixEpoch }] },
    };

    static ObjectMeta Meta(string name, string ns = Ns) => new() { Name = name, Namespace = ns, Uid = ns + "-uid-" + name, ResourceVersion = "1", CreationTimestamp = DateTimeOffset.UnixEpoch, Generation = 1 };

    static Paper Filled(int size)
    {
        var paper = new Paper();
        int groups = size / 10;
        static Map<string> App(int g) => Map.Of(("app", $"web-{g}"));
        static LabelSelector Selects(int g) => new() { MatchLabels = App(g) };
        static PodTemplateSpec Template(int g) => new() { Metadata = new() { Labels = App(g) }, Spec = new() { Containers = [new() { Name = "main", Image = "web:1" }], RestartPolicy = "Always" } };
        static OwnerReference By(string kind, string name, string group = "apps/v1") => new() { ApiVersion = group, Kind = kind, Name = name, Uid = Ns + "-uid-" + name + (kind == "ReplicaSet" ? "" : ""), Controller = true };
        var all = Enumerable.Range(0, groups).ToArray();
        paper.Fill<Namespace>([new() { Metadata = Meta(Ns, "") with { Name = Ns }, Spec = new() { Finalizers = ["kubernetes"] } }]);
        paper.Fill(Enumerable.Range(0, Math.Max(1, size / 100)).Select(n => new Node
        {
            Metadata = Meta($"node-{n}", ""), Spec = new() { PodCIDR = $"10.{n / 250}.{n % 250}.0/24", PodCIDRs = [$"10.{n / 250}.{n % 250}.0/24"] },
            Status = new() { Conditions = [new NodeCondition { Type = "Ready", Status = "True" }] },
        }));
        paper.Fill(Enumerable.Range(0, size).Select(i => Ready(new Pod
        {
            Metadata = Meta($"web-{i}") with { Labels = App(i % groups), OwnerReferences = [By("ReplicaSet", $"web-{i % groups}")] },
            Spec = new() { NodeName = $"node-{i % Math.Max(1, size / 100)}", Containers = [new() { Name = "main", Image = "web:1" }] },
            Status = new() { Phase = "Running", PodIP = $"10.{i >> 16}.{i >> 8 & 255}.{i & 255}", PodIPs = [new() { Ip = $"10.{i >> 16}.{i >> 8 & 255}.{i & 255}" }] },
        }, true)).Concat(Enumerable.Range(0, size).Select(i => new Pod { Metadata = Meta($"bare-{i}") with { Labels = Map.Of(("run", $"bare-{i}")) }, Spec = new() { NodeName = "node-0" }, Status = new() { Phase = "Running" } })));
        paper.Fill([new ResourceQuota { Metadata = Meta("all"), Spec = new() { Hard = Limits }, Status = new() { Hard = Limits } }]);
        paper.Fill([new DaemonSet { Metadata = Meta("agent"), Spec = new() { Selector = new() { MatchLabels = Map.Of(("app", "agent")) }, Template = new() { Metadata = new() { Labels = Map.Of(("app", "agent")) }, Spec = new() { Containers = [new() { Name = "main", Image = "agent:1" }] } }, UpdateStrategy = new() { Type = "OnDelete" } } }]);
        for (int n = 0; n < Math.Max(1, size / 100); n++)
            paper.CacheOf<Pod>().Apply(new(SyncKind.Applied, Ready(new()
            {
                Metadata = Meta($"agent-{n}") with { Labels = Map.Of(("app", "agent")), OwnerReferences = [By("DaemonSet", "agent")] },
                Spec = new() { NodeName = $"node-{n}", Containers = [new() { Name = "main", Image = "agent:1" }] }, Status = new() { Phase = "Running" },
            }, true)));
        paper.Fill(all.Select(g => new ReplicaSet { Metadata = Meta($"web-{g}") with { Labels = App(g), OwnerReferences = [By("Deployment", $"web-{g}")] }, Spec = new() { Replicas = 10, Selector = Selects(g), Template = Template(g) }, Status = new() { Replicas = 10 } }));
        paper.Fill(all.Select(g => new Deployment { Metadata = Meta($"web-{g}"), Spec = new() { Replicas = 10, Selector = Selects(g), Template = Template(g), Strategy = new() { Type = "RollingUpdate", RollingUpdate = new() { MaxSurge = "25%", MaxUnavailable = "25%" } } } }));
        paper.Fill(all.Select(g => new Service { Metadata = Meta($"web-{g}"), Spec = new() { ClusterIP = "10.0.0.1", ClusterIPs = ["10.0.0.1"], IpFamilies = ["IPv4"], Selector = App(g), Ports = [new() { Port = 80, TargetPort = 80 }], Type = "LoadBalancer" } }));
        paper.Fill(all.Select(g => new EndpointSlice { Metadata = Meta($"web-{g}-x") with { Labels = Map.Of(("kubernetes.io/service-name", $"web-{g}")), OwnerReferences = [By("Service", $"web-{g}", "v1")] }, AddressType = "IPv4" }));
        paper.Fill(all.Select(g => new PodDisruptionBudget { Metadata = Meta($"web-{g}"), Spec = new() { MinAvailable = 1, Selector = Selects(g) } }));
        paper.Fill(all.Select(g => new Job { Metadata = Meta($"job-{g}"), Spec = new() { Suspend = true, Parallelism = 1, Completions = 1, Selector = new() { MatchLabels = Map.Of(("batch.kubernetes.io/controller-uid", $"{Ns}-uid-job-{g}")) }, Template = Template(g) } }));
        paper.Fill(all.Select(g => new PersistentVolume { Metadata = Meta($"pv-{g}", ""), Spec = new() { StorageClassName = $"class-{g}", Capacity = Map.Of(("storage", Quantity.Parse("1Gi"))), AccessModes = ["ReadWriteOnce"] }, Status = new() { Phase = "Available" } }));
        paper.Fill(all.Select(g => new PersistentVolumeClaim { Metadata = Meta($"data-{g}"), Spec = new() { StorageClassName = $"class-{g}", AccessModes = ["ReadWriteOnce"], Resources = new() { Requests = Map.Of(("storage", Quantity.Parse("2Gi"))) } } }));
        paper.Fill(Enumerable.Range(0, size).Select(i => new Secret { Metadata = Meta($"secret-{i}"), Type = "Opaque" }));
        paper.Fill(all.Select(g => new ServiceAccount { Metadata = Meta($"account-{g}") }));
        paper.Fill(all.Select(g => new ClusterRole { Metadata = Meta($"role-{g}", ""), Rules = [new() { Verbs = ["get"], ApiGroups = [""], Resources = ["pods"] }] })
            .Append(new ClusterRole { Metadata = Meta("gathered", ""), AggregationRule = new() { ClusterRoleSelectors = [new() { MatchLabels = Map.Of(("part", "of")) }] } }));
        return paper;
    }

    static Map<Quantity> Limits { get; } = Map.Of(("pods", Quantity.Parse("1M")), ("requests.cpu", Quantity.Parse("1M")), ("persistentvolumeclaims", Quantity.Parse("1M")));

    static TimeSpan Cpu()
    {
        using var self = Process.GetCurrentProcess();
        return self.TotalProcessorTime;
    }
}
