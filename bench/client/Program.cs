// What an informer over many Pods costs: memory of the cache and of its objects, time of list, relist, events and look-ups.
using System.Diagnostics;
using Hanbae.Api;
using Hanbae.Api.Codec;
using Hanbae.Api.Core.V1;
using Hanbae.Client;

int count = args.Length > 0 ? int.Parse(args[0]) : 15_000;
var info = Pod.Info;
byte[][] wire = [.. Enumerable.Range(0, count).Select(i => info.ToProto(Sample(i, "1")))];
Console.WriteLine($"{count} Pods, {wire.Average(w => w.Length):F0} bytes each in protobuf, {info.ToJson(Sample(0, "1")).Length} in JSON");

long before = Live();
var watch = Stopwatch.StartNew();
Pod[]? pods = [.. wire.Select(w => (Pod)info.ReadProto(Envelope.Message(w, out _)))];
Console.WriteLine($"decode            {watch.Elapsed.TotalMilliseconds,8:F1} ms");
long decoded = Live();
Console.WriteLine($"objects           {(decoded - before) / 1048576.0,8:F1} MB");

var cache = new SharedCache<Pod>();
cache.AddIndex("node", p => [p.Spec.NodeName]);
Fill("first list");
Console.WriteLine($"cache, 1 index    {(Live() - decoded) / 1048576.0,8:F1} MB");
int handled = 0;
for (int i = 0; i < 10; i++) cache.Subscribe(_ => handled++);
Fill("same list again");

var random = new Random(1);
Time("20,000 events, 10 subscribers", 20_000, i =>
{
    var old = pods[random.Next(count)];
    cache.Apply(new(SyncKind.Applied, old with { Metadata = old.Metadata with { ResourceVersion = $"{i + 2}" } }));
});
Time("20,000 events, All read after each 100", 20_000, i =>
{
    var old = pods[random.Next(count)];
    cache.Apply(new(SyncKind.Applied, old with { Metadata = old.Metadata with { ResourceVersion = $"{i + 30_000}" } }));
    if (i % 100 == 0) handled += cache.All.Count;
});
var keys = pods.Select(p => Key.Of(p)).ToArray();
Time("1,000,000 finds", 1_000_000, i => handled += cache.Find(keys[i % count]) is null ? 0 : 1);
Time("100,000 reads of an index", 100_000, i => handled += cache.ByIndex("node", "node-" + i % 150).Count);
GC.KeepAlive(cache);
GC.KeepAlive(handled);

void Fill(string what)
{
    var clock = Stopwatch.StartNew();
    cache.Apply(new(SyncKind.Init));
    foreach (var pod in pods) cache.Apply(new(SyncKind.InitItem, pod));
    cache.Apply(new(SyncKind.InitDone));
    Console.WriteLine($"{what,-18}{clock.Elapsed.TotalMilliseconds,8:F1} ms");
}

static void Time(string what, int times, Action<int> act)
{
    var clock = Stopwatch.StartNew();
    for (int i = 0; i < times; i++) act(i);
    Console.WriteLine($"{what}: {clock.Elapsed.TotalMilliseconds:F1} ms, {clock.Elapsed.TotalMicroseconds / times:F2} µs each");
}

static long Live() => GC.GetTotalMemory(forceFullCollection: true);

static Pod Sample(int i, string version)
{
    static Container Container(string name) => new()
    {
        Name = name, Image = "registry.example/team/" + name + ":1.2.3", ImagePullPolicy = "IfNotPresent",
        Env = [new() { Name = "MODE", Value = "production" }, new() { Name = "REGION", Value = "north" }],
        Ports = [new() { Name = "http", ContainerPortValue = 8080, Protocol = "TCP" }],
        Resources = new() { Requests = Map.Of(("cpu", Quantity.Parse("100m")), ("memory", Quantity.Parse("128Mi"))), Limits = Map.Of(("memory", Quantity.Parse("256Mi"))) },
        VolumeMounts = [new() { Name = "kube-api-access", MountPath = "/var/run/secrets/kubernetes.io/serviceaccount", ReadOnly = true }],
        TerminationMessagePath = "/dev/termination-log", TerminationMessagePolicy = "File",
    };
    static PodCondition Condition(string type) => new() { Type = type, Status = "True", LastTransitionTime = DateTimeOffset.UnixEpoch.AddYears(50) };
    string hash = $"{i * 7919 % 1_000_000:x6}";
    return new()
    {
        Metadata = new()
        {
            Name = $"web-{i / 100}-{hash}-{i}", GenerateName = $"web-{i / 100}-", Namespace = "ns-" + i % 20, Uid = Guid.NewGuid().ToString(), ResourceVersion = version,
            CreationTimestamp = DateTimeOffset.UnixEpoch.AddYears(50), Labels = Map.Of(("app", "web-" + i / 100), ("pod-template-hash", hash)),
            OwnerReferences = [new() { ApiVersion = "apps/v1", Kind = "ReplicaSet", Name = "web-" + i / 100, Uid = Guid.NewGuid().ToString(), Controller = true, BlockOwnerDeletion = true }],
        },
        Spec = new()
        {
            NodeName = "node-" + i % 150, RestartPolicy = "Always", DnsPolicy = "ClusterFirst", ServiceAccountName = "default", SchedulerName = "default-scheduler",
            Containers = [Container("app"), Container("sidecar")], TerminationGracePeriodSeconds = 30,
            Tolerations = [new() { Key = "node.kubernetes.io/not-ready", Operator = "Exists", Effect = "NoExecute", TolerationSeconds = 300 }],
        },
        Status = new()
        {
            Phase = "Running", PodIP = $"10.{i >> 16}.{i >> 8 & 255}.{i & 255}", HostIP = "192.168.0." + i % 150, QosClass = "Burstable",
            Conditions = [Condition("Initialized"), Condition("Ready"), Condition("ContainersReady"), Condition("PodScheduled")],
            ContainerStatuses = [new() { Name = "app", Ready = true, Image = "registry.example/team/app:1.2.3", ContainerID = "containerd://" + Guid.NewGuid().ToString("N") },
                new() { Name = "sidecar", Ready = true, Image = "registry.example/team/sidecar:1.2.3", ContainerID = "containerd://" + Guid.NewGuid().ToString("N") }],
        },
    };
}
