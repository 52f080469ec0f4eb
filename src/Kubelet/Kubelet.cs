using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Meta.V1;
using Hanbae.Api.Resource.V1;
using Hanbae.Api.Rest;
using Hanbae.Client;
using Hanbae.Cri;
using Hanbae.Grpc;
using Hanbae.Kubelet.Cgroups;
using Hanbae.Kubelet.Devices;
using Hanbae.Kubelet.Devices.Dynamic;
using Hanbae.Kubelet.Eviction;
using Hanbae.Kubelet.Images;
using Hanbae.Kubelet.Nodes;
using Hanbae.Kubelet.Nodes.Shutdown;
using Hanbae.Kubelet.Placement;
using Hanbae.Kubelet.Plugins;
using Hanbae.Kubelet.Pods;
using Hanbae.Kubelet.Probes;
using Hanbae.Kubelet.Runtime;
using Hanbae.Kubelet.Server;
using Hanbae.Kubelet.Static;
using Hanbae.Kubelet.Stats;
using Hanbae.Kubelet.Statuses;
using Hanbae.Kubelet.Volumes;
using Hanbae.Kubelet.Volumes.Csi;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Hanbae.Kubelet;

/// <summary>All that a node agent works with; a test gives its own.</summary>
public sealed record KubeletParts
{
    public required KubeletOptions Options { get; init; }
    public required ICri Cri { get; init; }
    public required IClient Client { get; init; }
    /// <summary>What the client speaks through, for metrics and for watches of what volumes show; null has neither.</summary>
    public CountingTransport? Requests { get; init; }
    /// <summary>The Pods bound to this node.</summary>
    public required ICache<Pod> Pods { get; init; }
    public required IRecorder Events { get; init; }
    public required TimeProvider Time { get; init; }
    /// <summary>Made from what the kubelet can look up for Pods; null for all kinds of volumes, mounted for real.</summary>
    public Func<IPodObjects, IVolumes>? Volumes { get; init; }
    /// <summary>For the variables that containers get of Services; null gives them none.</summary>
    public ICache<Service>? Services { get; init; }
    /// <summary>For image volumes where the runtime is a containerd whose CRI cannot mount them (before 2.1); null for runtimes that can.</summary>
    public ImageSnapshots? Snapshots { get; init; }
    /// <summary>Where CSI drivers of this node are put as they register; a host that calls them too gives its own.</summary>
    public CsiDrivers Drivers { get; init; } = new();
    /// <summary>There is no API server: nobody is told of the node.</summary>
    public bool Alone { get; init; }
    public ILogger Log { get; init; } = NullLogger.Instance;
}

/// <summary>The node agent: makes the Pods bound to its node run, and tells how they and the node are.</summary>
/// <remarks>Killed at any moment, a new one goes on where it stopped: what runs is read from the runtime, what is mounted from the mount table.</remarks>
public sealed class Kubelet(KubeletParts parts)
{
    volatile UsageLoop? _usage;
    readonly TaskCompletionSource<int> _serving = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>The port of the kubelet's API, once it listens.</summary>
    public Task<int> Port => _serving.Task;

    /// <summary>What node and Pods use, for whoever serves <c>metrics.k8s.io</c>; nothing until it was measured twice.</summary>
    public ResourceUsage Usage => _usage?.Last ?? ResourceUsage.None;

    public async Task RunAsync(CancellationToken ct)
    {
        var (cri, time, log) = (parts.Cri, parts.Time, parts.Log);
        var machine = MachineInfo.Read(parts.Options.Folders.Data);
        var options = await CgroupSettings.CompleteAsync(parts.Options.WithReservedCpus(), machine, cri, log, ct).ConfigureAwait(false);
        CgroupSettings.Check(options);
        var ips = options.NodeIPs.IsEmpty ? MachineInfo.Address() is { } found ? [found] : default : options.NodeIPs;
        Directory.CreateDirectory(options.Folders.Pods);

        using var stop = CancellationTokenSource.CreateLinkedTokenSource(ct);
        PodWorkers workers = null!;
        NodeRegistration registration = null!;
        KubeletServer? server = null;
        var health = new RuntimeHealth(cri, time);
        var figures = new KubeletFigures();
        if (cri is CriClient measured) measured.Called += figures.RuntimeCalled;
        parts.Drivers.Called += figures.DriverCalled;
        var pleg = new Pleg(cri, options, time, uid => workers.Wake(uid), log) { Figures = figures };
        var prober = new Prober(cri, parts.Events, time, pod => AddressOf(workers, pod, ips)) { Changed = uid => workers.Wake(uid) };
        var writer = new StatusWriter(parts.Client, time, log, pod => parts.Pods.Find(Key.Of(pod)) is { } m && m.IsMirror() ? m : null) { Figures = figures };
        var objects = new ApiPodObjects(parts.Client, parts.Services, () => registration.Node, time, options.WatchesObjects ? parts.Requests : null, log, stop.Token);
        var volumes = parts.Volumes?.Invoke(objects) ?? new PodVolumes(options.Folders, objects, new PersistentVolumesOf(parts.Client), time, drivers: parts.Drivers, events: parts.Events, helpers: options.Helpers);
        var mounted = volumes as PodVolumes;
        if (mounted is not null) mounted.Figures.Durations = figures;
        if (mounted is not null) mounted.InUseChanged = () => registration?.Wake.Set();
        var nodes = new CsiNodes(parts.Client, options.NodeName, time) { Changed = () => registration?.Wake.Set() };
        if (mounted is not null) mounted.Exhausted = nodes.AskSoon;
        using var plugged = new DevicePlugins(options.Folders, time, log) { Changed = () => registration?.Wake.Set(), PodChanged = uid => workers.Wake(uid) };
        bool kept = plugged.Load();
        var placements = new Placements(options, TopologyReader.Read(machine.MemoryBytes, machine.HugePages), plugged, time, log);
        var healths = new DeviceHealths(time);
        using var drivers = new DraDrivers(WipeAsync, healths, plugged.Metrics, time, log);
        var claims = new DynamicResources(new(Path.Combine(options.Folders.Data, "dra_manager_state"), log), drivers, healths, parts.Client, plugged.Metrics, time, log);
        drivers.HealthChanged = (driver, pool, device) => { foreach (string uid in claims.Users(driver, pool, device)) workers.Wake(uid); };
        drivers.HealthLost = driver => { foreach (string uid in claims.Users(driver)) workers.Wake(uid); };
        var devices = new PodDevices(plugged, claims, new(options.CdiFolders, log), () => health.Version);
        var registrations = new DevicePluginServer(options.Folders.DevicePlugins, plugged, log);
        var plugins = new PluginWatch(options.Folders.PluginsRegistry, [new CsiRegistration(parts.Drivers, nodes, time), registrations, drivers], time, log);
        var mounts = parts.Snapshots is { } snapshots ? new ImageMounts(snapshots, options.Folders) : null;
        await using var cgroups = new PodCgroups(options, time);
        EvictionLoop eviction = null!;
        NodeShutdown shutdown = null!;
        var context = new PodContext
        {
            Options = options, Cri = cri, Volumes = volumes, Environments = new ContainerEnvironments(objects, parts.Events, options.Folders), Objects = objects,
            Images = new(cri, objects, parts.Events, time, options.MaxParallelPulls, new(options, time) { Figures = figures }) { Figures = figures, Providers = ProvidersOf(options, objects, figures) },
            Cgroups = cgroups, Allocations = new(options.Folders), Prober = prober, Reports = writer, Events = parts.Events, Time = time, Log = log,
            NetworkTrouble = () => health.NetworkTrouble, RuntimeVersion = () => health.Version, HostIPs = ips, NodeMemory = machine.MemoryBytes,
            Figures = figures, Devices = devices, Placements = placements, UserNamespaces = new(options, () => health.Handlers),
            ImageMountsOf = () => mounts is not null && ImageVolumes.NeedsUs(health.Version) ? mounts : null,
            MountsReadOnlyRecursively = health.MountsReadOnlyRecursively,
            Refuse = pod => PodAdmission.RefuseGroups(pod, health.Features)
                ?? (shutdown.Begun ? new("NodeShutdown", "Pod was rejected as the node is shutting down.") : PodAdmission.RefuseUnder(eviction.Conditions, pod)),
            Active = () => workers.Active(), Released = trigger => workers.Released(trigger),
            RuntimeHandler = new RuntimeClasses(parts.Client).HandlerAsync,
            Allocatable = () => registration.Node?.Status.Allocatable ?? default,
        };
        workers = new(context, stop.Token);
        var sampler = new PodSampler(options, cri, () => workers.All, time, log, mounted is null ? null : mounted.UseOf);
        var usage = new UsageLoop(options, sampler, () => registration.Node, time, log);
        var images = new ImageGc(context) { Pods = () => [.. workers.All.Select(w => w.Pod)] };
        var shared = new SharedPool(placements, cri, () => workers.All, options.CpuManagerReconcilePeriod, time, log);
        placements.SharedChanged = shared.Wake.Set;
        eviction = new(context, sampler, workers, images);
        shutdown = new(context, workers);
        var above = new NodeCgroups(options, cgroups.Driver, machine, workers.Active, parts.Events, () => registration.Node, time, log);
        cgroups.Changed = above.Wake.Set;
        _usage = usage;
        var files = new StaticPodLoop(context, workers, parts.Client, parts.Pods, () => registration.Node);
        workers.Mirrored = change =>
        {
            if (change.New is { } mirror && workers.Find(mirror.Metadata.Namespace, mirror.Metadata.Name) is { Status: { } told } worker) writer.Report(worker.Pod, told);
            files.Wake();
        };
        registration = new(options, parts.Client, parts.Events, time, LookAsync, log) { Warning = CgroupSettings.Warning(options), Figures = figures };
        figures.More = text => NodeGauges.Render(text, options, workers.All.ToArray(), context.Images, plugins, time);
        var watch = new ShutdownWatch(options, shutdown, parts.Events, () => registration.Node, registration.Wake, time, log);
        try
        {
            var stats = new StatsRoutes(options, cri, sampler, workers, prober, machine, () => health.Version)
            {
                Devices = devices, Placements = placements, Rejections = context.Rejections, Figures = figures, VolumeFigures = mounted?.Figures, Requests = parts.Requests,
                Mirrors = () => parts.Pods.All.Count(p => p.IsMirror() && p.Spec.NodeName == options.NodeName),
                Health = new(pleg.Trouble), LastSeen = () => pleg.LastSeen,
            };
            var routes = new KubeletRoutes(options, cri, workers, stats, time, log);
            if (options.ServingCertificate is not null || options.CurrentServingCertificate is not null)
            {
                server = new(options, new(options, parts.Client, time, log), routes);
                await server.StartAsync(stop.Token).ConfigureAwait(false);
            }
            _serving.TrySetResult(server?.Port ?? 0);
            await health.CheckAsync(stop.Token).ConfigureAwait(false);
            // Looked once before the node is told of: a kubelet that was only restarted must not make its node, and all Pods on it, NotReady.
            try { await pleg.RelistAsync(stop.Token).ConfigureAwait(false); }
            catch (GrpcException) when (!stop.IsCancellationRequested) { } // told by the node's status
            Task[] loops =
            [
                .. mounted is null ? Enumerable.Empty<Task>() : [mounted.RunAsync(stop.Token)],
                .. options.HealthzPort > 0 ? [PlainServer.OfHealth(options, time, log).RunAsync(stop.Token)] : Enumerable.Empty<Task>(),
                .. options.ReadOnlyPort > 0 ? [PlainServer.ToRead(options, routes, time, log).RunAsync(stop.Token)] : Enumerable.Empty<Task>(),
                .. parts.Alone ? Enumerable.Empty<Task>() : [registration.RunAsync(stop.Token), nodes.RunAsync(parts.Drivers, () => registration.Node, stop.Token)],
                health.RunAsync(stop.Token), writer.RunAsync(stop.Token), prober.RunAsync(stop.Token), pleg.RunAsync(stop.Token),
                new LogRotation(cri, workers, options, time, log).RunAsync(stop.Token),
                usage.RunAsync(stop.Token), images.RunAsync(stop.Token), eviction.RunAsync(stop.Token), files.RunAsync(stop.Token),
                registrations.RunAsync(stop.Token), drivers.RunAsync(stop.Token), claims.RunAsync(workers.Knows, stop.Token),
                new PodResourcesServer(options.Folders.PodResources, devices, placements, () => workers.All.Select(w => w.Pod), plugged.Metrics, time, log).RunAsync(stop.Token),
                PodsAsync(workers, context, pleg, registration, stop.Token), shared.RunAsync(stop.Token), above.RunAsync(stop.Token), watch.RunAsync(stop.Token), plugins.RunAsync(stop.Token),
            ];
            // Any loop that ends has failed: the whole agent ends with it, to be started again.
            await (await Task.WhenAny(loops).ConfigureAwait(false)).ConfigureAwait(false);
        }
        finally
        {
            await stop.CancelAsync().ConfigureAwait(false);
            if (cri is CriClient called) called.Called -= figures.RuntimeCalled;
            parts.Drivers.Called -= figures.DriverCalled;
            await workers.WhenDoneAsync().ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (server is not null) await server.DisposeAsync().ConfigureAwait(false);
            _serving.TrySetCanceled(CancellationToken.None);
        }

        async Task<NodeState> LookAsync(CancellationToken token)
        {
            var images = await ImagesAsync(token).ConfigureAwait(false);
            return new()
            {
                Machine = machine, Now = time.GetUtcNow(), IPs = ips, Port = server?.Port ?? 0, Runtime = health.Version, Handlers = health.Handlers, Features = health.Features, Images = images,
                Troubles = new[] { health.RuntimeTrouble, health.NetworkTrouble, pleg.Trouble(), shutdown.Begun ? "node is shutting down" : null }.OfType<string>().ToSeq(),
                Pressures = eviction.Conditions, VolumesInUse = mounted?.InUse ?? default, Devices = plugged.Kinds.Amounts, Anew = !kept,
            };
        }

        // What gone drivers have offered here is taken back; the Node must be there for that to be allowed.
        async Task WipeAsync(string driver, CancellationToken token)
        {
            if (parts.Alone) return;
            string fields = "spec.nodeName=" + options.NodeName + (driver.Length > 0 ? ",spec.driver=" + driver : "");
            var result = await parts.Client.Transport.SendAsync(Requests.DeleteCollection<ResourceSlice>(new() { FieldSelector = fields }, DeleteOptions.Empty), token).ConfigureAwait(false);
            if (result.Code >= 400) throw new ApiException(result.Object as Status ?? new() { Code = result.Code, Message = $"HTTP {result.Code}" });
        }

        async Task<Seq<ContainerImage>> ImagesAsync(CancellationToken token)
        {
            const int most = 50; // as upstream: the biggest
            try
            {
                return (await cri.ListImagesAsync(token).ConfigureAwait(false)).OrderByDescending(i => i.Size).Take(most)
                    .Select(i => new ContainerImage { Names = i.RepoDigests.Concat(i.RepoTags).Take(5).ToSeq(), SizeBytes = (long)i.Size }).ToSeq();
            }
            catch (GrpcException) when (!token.IsCancellationRequested) { return default; }
        }
    }

    /// <exception cref="FormatException">What is wrong with them.</exception>
    CredentialProviders? ProvidersOf(KubeletOptions options, IPodObjects objects, KubeletFigures figures) => options.CredentialProviderConfig.Length == 0 || options.CredentialProviderFolder.Length == 0 ? null
        : new(CredentialProvider.Load(options.CredentialProviderConfig), options.CredentialProviderFolder, objects, parts.Time, parts.Log)
        {
            Figures = figures, Hash = CredentialProvider.HashOf(options.CredentialProviderConfig),
        };

    /// <summary>Pods are worked on once the list of them is whole: before that, everything that runs would look unknown.</summary>
    async Task PodsAsync(PodWorkers workers, PodContext context, Pleg pleg, NodeRegistration registration, CancellationToken ct)
    {
        await parts.Pods.WhenSyncedAsync(ct).ConfigureAwait(false);
        string cidr = registration.Node?.Spec.PodCIDR is { Length: > 0 } given ? given : parts.Options.PodCidr;
        if (cidr.Length > 0)
        {
            try { await parts.Cri.UpdateRuntimeConfigAsync(cidr, ct).ConfigureAwait(false); }
            catch (GrpcException e) when (e.Status == GrpcStatus.Unimplemented) { }
        }
        using var subscription = parts.Pods.Subscribe(change =>
        {
            if (change.Object.Spec.NodeName == parts.Options.NodeName) workers.On(change);
        });
        await new Housekeeping(context, workers, pleg).RunAsync(ct).ConfigureAwait(false);
    }

    static string AddressOf(PodWorkers workers, Pod pod, Seq<string> hostIPs) =>
        pod.Spec.HostNetwork ? hostIPs.IsEmpty ? "127.0.0.1" : hostIPs[0] : workers.Find(pod.Metadata.Uid)?.Runtime?.Sandbox is { IPs.IsEmpty: false } s ? s.IPs[0] : pod.Status.PodIP;
}
