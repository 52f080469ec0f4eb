using System.Collections.Concurrent;
using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Cri.Devices;
using Hanbae.DeviceDriver;
using Hanbae.Grpc.Server;
using Hanbae.Kit;
using Hanbae.Kubelet.Devices;
using Hanbae.Kubelet.Devices.Dynamic;
using Microsoft.Extensions.Logging.Abstractions;
using ResourceClaim = Hanbae.Api.Resource.V1.ResourceClaim;

namespace Hanbae.Kubelet.Tests.Devices;

/// <summary>A kubelet's side of dynamic resources: claims in an API, drivers over real sockets, a clock that stands still.</summary>
sealed class ClaimRig : IAsyncDisposable
{
    public const string Name = "gpus.example.com";

    readonly string _root = Directory.CreateTempSubdirectory("hanbae-dra-").FullName;
    readonly List<GrpcServer> _servers = [];

    public ClaimRig() => (Healths, Drivers, Claims) = Make();

    public FakeTime Time { get; } = new();
    public MemoryApi Api { get; } = new();
    public DeviceMetrics Metrics { get; } = new();
    public DeviceHealths Healths { get; private set; }
    public DraDrivers Drivers { get; private set; }
    public DynamicResources Claims { get; private set; }
    public ConcurrentQueue<string> Wiped { get; } = new();
    public Func<Exception?> WipeFails { get; set; } = () => null;
    public string Cdi => Path.Combine(_root, "cdi");
    public string Book => Path.Combine(_root, "dra_manager_state");

    (DeviceHealths, DraDrivers, DynamicResources) Make()
    {
        var healths = new DeviceHealths(Time);
        var drivers = new DraDrivers(WipeAsync, healths, Metrics, Time, NullLogger.Instance);
        return (healths, drivers, new(new(Book, NullLogger.Instance), drivers, healths, Api, Metrics, Time, NullLogger.Instance));
    }

    Task WipeAsync(string driver, CancellationToken ct)
    {
        if (WipeFails() is { } e) return Task.FromException(e);
        Wiped.Enqueue(driver);
        return Task.CompletedTask;
    }

    /// <summary>Another kubelet over the same folder, as after a kill.</summary>
    public void Restart()
    {
        Drivers.Dispose();
        (Healths, Drivers, Claims) = Make();
    }

    public string SocketOf(string file) => Path.Combine(_root, file);

    public async Task<GrpcServer> ServeAsync(ClaimDriver driver, string file = "d.sock", bool v1 = true, bool v1beta1 = true, bool health = true)
    {
        var server = await GrpcServer.StartAsync("unix://" + SocketOf(file), driver.Service(v1, v1beta1, health));
        _servers.Add(server);
        return server;
    }

    /// <summary>As if the driver had been killed: it says nothing of its end.</summary>
    public async Task EndAsync(GrpcServer server)
    {
        _servers.Remove(server);
        await server.DisposeAsync();
    }

    /// <summary>A driver that is registered and was reached.</summary>
    public async Task<ClaimDriver> AddAsync(string name = Name, string file = "d.sock", params string[] versions)
    {
        var driver = new ClaimDriver(name, Cdi);
        await ServeAsync(driver, file, versions.Length == 0 || versions.Contains(DraMethods.V1), versions.Length == 0 || versions.Contains(DraMethods.V1Beta1));
        await RegisterAsync(name, file, versions);
        return driver;
    }

    public async Task RegisterAsync(string name = Name, string file = "d.sock", params string[] versions)
    {
        await Drivers.RegisterAsync(name, SocketOf(file), versions.Length > 0 ? versions : [DraMethods.V1, DraMethods.V1Beta1], default);
        await Waiting.UntilAsync("the driver's connection", () => Drivers.Get(name).Connected);
    }

    static int s_pods;

    /// <summary>A Pod that uses a claim, or several, in its only container.</summary>
    public static Pod PodWith(params string[] claims)
    {
        string uid = "uid-" + Interlocked.Increment(ref s_pods);
        var pod = Tests.Make.Pod(new Container { Name = "app", Image = "app:1", Resources = new() { Claims = claims.Select(c => new Hanbae.Api.Core.V1.ResourceClaim { Name = "my-" + c }).ToSeq() } });
        return pod with
        {
            Metadata = new() { Name = "pod-" + uid, Namespace = "default", Uid = uid, Generation = 1 },
            Spec = pod.Spec with { ResourceClaims = claims.Select(c => new PodResourceClaim { Name = "my-" + c, ResourceClaimName = c }).ToSeq() },
        };
    }

    /// <summary>As the scheduler leaves a claim: allocated, and reserved for Pods.</summary>
    public ResourceClaim Allocate(string name, string driver, params Pod[] pods)
    {
        var claim = new ResourceClaim
        {
            Metadata = new() { Name = name, Namespace = "default", Uid = Api.Get<ResourceClaim>(new("default", name))?.Metadata.Uid ?? "" },
            Status = new()
            {
                Allocation = new() { Devices = new() { Results = [new() { Request = "gpu", Driver = driver, Pool = "pool", Device = "of-gpu" }] } },
                ReservedFor = pods.Select(p => new Hanbae.Api.Resource.V1.ResourceClaimConsumerReference { Resource = "pods", Name = p.Metadata.Name, Uid = p.Metadata.Uid }).ToSeq(),
            },
        };
        Api.Put(claim);
        return Api.Get<ResourceClaim>(new("default", name))!;
    }

    public async ValueTask DisposeAsync()
    {
        Drivers.Dispose();
        foreach (var server in _servers) await server.DisposeAsync();
        Directory.Delete(_root, recursive: true);
    }
}
