using System.Threading.Channels;
using Hanbae.Api;
using Hanbae.Api.Codec;
using Hanbae.Api.Coordination.V1;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Meta.V1;
using Hanbae.Api.Rest;
using Hanbae.Client;
using Hanbae.Machinery.Nodes;

namespace Hanbae.Kubelet.Simulation;

/// <summary>Nodes that exist in the API only: their Pods run nowhere but pass through all states. For scale, and for trying things.</summary>
/// <remarks>
/// One loop serves all of them, so a thousand cost little more than one. A Pod whose containers are all to end (<c>restartPolicy</c> other
/// than Always) succeeds at once; any other runs until it is deleted.
/// </remarks>
public sealed class SimulatedNodes(IClusterAccess cluster, int count)
{
    const int Workers = 16, Backlog = 100_000;
    static readonly TimeSpan Heartbeat = TimeSpan.FromSeconds(20), Pause = TimeSpan.FromSeconds(1);

    readonly ICache<Pod> _pods = cluster.Cache<Pod>();
    readonly ICache<Node> _nodes = cluster.Cache<Node>();
    readonly Channel<Key> _work = Channel.CreateBounded<Key>(new BoundedChannelOptions(Backlog) { FullMode = BoundedChannelFullMode.Wait });
    readonly HashSet<string> _names = [.. Enumerable.Range(0, count).Select(Name)];
    int _addresses;

    public static string Name(int i) => $"simulated-{i}";

    /// <summary>Registers the nodes and plays their kubelets until cancelled.</summary>
    public async Task RunAsync(CancellationToken ct)
    {
        await Parallel.ForEachAsync(_names, new ParallelOptions { MaxDegreeOfParallelism = Workers, CancellationToken = ct }, async (name, stop) => await RegisterAsync(name, stop));
        await _pods.WhenSyncedAsync(ct);
        using var pods = _pods.Subscribe(e => { if (e.New is { } pod && _names.Contains(pod.Spec.NodeName) && Next(pod) is not null) Queue(Key.Of(pod)); });
        await _nodes.WhenSyncedAsync(ct);
        // Room for each node twice: one that finds none speaks up at its next change.
        var silent = Channel.CreateBounded<string>(2 * count + 1);
        using var nodes = _nodes.Subscribe(e => { if (e.New is { } node && _names.Contains(node.Metadata.Name) && !IsReady(node)) silent.Writer.TryWrite(node.Metadata.Name); });
        await Together.RunAsync([HeartbeatsAsync, stop => ReviveAsync(silent.Reader, stop), .. Enumerable.Repeat<Func<CancellationToken, Task>>(WorkAsync, Workers)], ct);
    }

    static bool IsReady(Node node) => node.Status.Conditions.Exists(c => c is { Type: "Ready", Status: "True" });

    /// <summary>Nodes that were taken for dead, as after a jump of the clock, speak up.</summary>
    async Task ReviveAsync(ChannelReader<string> silent, CancellationToken ct)
    {
        await foreach (string name in silent.ReadAllAsync(ct))
        {
            await BeatAsync(name, ct);
            try { await RegisterAsync(name, ct); }
            catch (Exception e) when (e is ApiException or HttpRequestException) { } // as long as it is taken for dead, it is told again
        }
    }

    void Queue(Key key)
    {
        // A full backlog waits on a thread of its own rather than losing the Pod.
        if (!_work.Writer.TryWrite(key)) _ = Task.Run(() => _work.Writer.WriteAsync(key).AsTask());
    }

    async Task WorkAsync(CancellationToken ct)
    {
        await foreach (var key in _work.Reader.ReadAllAsync(ct))
            try
            {
                if (_pods.Find(key) is not { } pod) continue;
                switch (Next(pod))
                {
                    case Step.Delete:
                        await cluster.Client.DeleteAsync<Pod>(key, new DeleteOptions { GracePeriodSeconds = 0, Preconditions = new() { Uid = pod.Metadata.Uid } }, ct);
                        break;
                    case Step.Start: await cluster.Client.PatchAsync<Pod>(key, Client.Patch.Strategic(Status(pod)), ct, "status"); break;
                }
            }
            catch (ApiException e) when (e.IsNotFound || e.IsConflict) { }
            catch (Exception e) when (e is ApiException or HttpRequestException)
            {
                // Refused for now, as by somebody's webhook: a kubelet would try again, too.
                await Task.Delay(Pause, cluster.Time, ct);
                Queue(key);
            }
    }

    enum Step { Start, Delete }

    static Step? Next(Pod pod) =>
        pod.Metadata.DeletionTimestamp is not null ? Step.Delete : pod.Status.Phase is "" or "Pending" ? Step.Start : null;

    byte[] Status(Pod pod)
    {
        var now = cluster.Time.GetUtcNow();
        bool ends = pod.Spec.RestartPolicy is "Never" or "OnFailure";
        int n = Interlocked.Increment(ref _addresses);
        string address = $"10.{128 + (n >> 16) % 64}.{(n >> 8) & 255}.{n & 255}";
        PodCondition Condition(string type) => ends && type is ("Ready" or "ContainersReady")
            ? new() { Type = type, LastTransitionTime = now, Status = "False", Reason = "PodCompleted" }
            : new() { Type = type, LastTransitionTime = now, Status = "True" };
        ContainerStatus Of(string name, string image, bool done) => new()
        {
            Name = name, Image = image, ImageID = "simulated://" + image, ContainerID = "simulated://" + pod.Metadata.Uid + "/" + name,
            Ready = !done, Started = !done,
            State = done ? new() { Terminated = new() { Reason = "Completed", StartedAt = now, FinishedAt = now } } : new() { Running = new() { StartedAt = now } },
        };
        var status = new PodStatus
        {
            Phase = ends ? "Succeeded" : "Running", PodIP = address, PodIPs = [new() { Ip = address }], HostIP = "127.0.0.1", HostIPs = [new() { Ip = "127.0.0.1" }],
            StartTime = now, ObservedGeneration = pod.Metadata.Generation,
            Conditions = [Condition("PodReadyToStartContainers"), Condition("Initialized"), Condition("Ready"), Condition("ContainersReady")],
            InitContainerStatuses = [.. pod.Spec.InitContainers.Select(c => Of(c.Name, c.Image, ends || c.RestartPolicy != "Always"))],
            ContainerStatuses = [.. pod.Spec.Containers.Select(c => Of(c.Name, c.Image, ends))],
        };
        return StatusPatch(status);
    }

    static byte[] StatusPatch(Hanbae.Api.Codec.IMessage status)
    {
        var writer = new JsonWriter();
        try
        {
            writer.Raw("{\"status\":"u8);
            status.WriteJson(ref writer);
            writer.Byte((byte)'}');
            return writer.ToArray();
        }
        finally { writer.Dispose(); }
    }

    async Task RegisterAsync(string name, CancellationToken ct)
    {
        var now = cluster.Time.GetUtcNow();
        Map<Quantity> room = Map.Of(("cpu", Quantity.Parse("32")), ("memory", Quantity.Parse("256Gi")), ("pods", Quantity.Parse("110")), ("ephemeral-storage", Quantity.Parse("1Ti")));
        var node = new Node
        {
            Metadata = new()
            {
                Name = name,
                Labels = Map.Of(("kubernetes.io/hostname", name), ("kubernetes.io/os", "linux"), ("kubernetes.io/arch", "amd64"), ("hanbae.io/simulated", "true")),
            },
        };
        try { await cluster.Client.CreateAsync(node, ct); }
        catch (ApiException e) when (e.IsAlreadyExists) { }
        // A patch, since controllers write to a node as soon as it is there.
        await cluster.Client.PatchAsync<Node>(new("", name), Client.Patch.Strategic(StatusPatch(new NodeStatus
        {
            Capacity = room, Allocatable = room,
            Conditions = [new() { Type = "Ready", Status = "True", Reason = "KubeletReady", Message = "simulated", LastHeartbeatTime = now, LastTransitionTime = now }],
            Addresses = [new() { Type = "Hostname", Address = name }], DeclaredFeatures = DeclaredFeatures.All,
            NodeInfo = new() { KubeletVersion = "v1.36.3", OsImage = "simulated", OperatingSystem = "linux", Architecture = "amd64", ContainerRuntimeVersion = "simulated://1" },
        })), ct, "status");
    }

    async Task HeartbeatsAsync(CancellationToken ct)
    {
        using var timer = new PeriodicTimer(Heartbeat, cluster.Time);
        do
            await Parallel.ForEachAsync(_names, new ParallelOptions { MaxDegreeOfParallelism = 4, CancellationToken = ct }, async (name, stop) => await BeatAsync(name, stop));
        while (await timer.WaitForNextTickAsync(ct));
    }

    async Task BeatAsync(string name, CancellationToken ct)
    {
        var key = new Key("kube-node-lease", name);
        var now = cluster.Time.GetUtcNow();
        try
        {
            if (await cluster.Client.FindAsync<Lease>(key, ct) is { } lease)
                await cluster.Client.UpdateAsync(lease with { Spec = lease.Spec with { RenewTime = now } }, ct);
            else
                await cluster.Client.CreateAsync(new Lease { Metadata = new() { Namespace = key.Namespace, Name = name }, Spec = new() { HolderIdentity = name, LeaseDurationSeconds = 60, RenewTime = now } }, ct);
        }
        catch (Exception e) when (e is ApiException or HttpRequestException) { } // the next one comes in time
    }
}
