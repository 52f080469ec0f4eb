using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Discovery.V1;
using Hanbae.Client;
using Hanbae.Kit;

namespace Hanbae.Dns.Tests;

/// <summary>Services and endpoints as informers would have them, without a server.</summary>
sealed class Cluster : IClusterAccess
{
    readonly Dictionary<Type, object> _caches = [];

    public FakeTime Clock { get; } = new();
    public TimeProvider Time => Clock;
    public IClient Client => throw new NotSupportedException("DNS only reads caches");
    public IRecorder Recorder => throw new NotSupportedException("DNS tells no Events");
    public ICache<T> Cache<T>() where T : class, IObject<T> => Filled<T>();
    public ICache<T> Cache<T>(ListQuery part) where T : class, IObject<T> => Filled<T>();

    SharedCache<T> Filled<T>() where T : class, IObject<T>
    {
        if (_caches.TryGetValue(typeof(T), out object? known)) return (SharedCache<T>)known;
        var cache = new SharedCache<T>();
        cache.Apply(new(SyncKind.Init));
        cache.Apply(new(SyncKind.InitDone));
        _caches[typeof(T)] = cache;
        return cache;
    }

    public Cluster Put<T>(T obj) where T : class, IObject<T>
    {
        Filled<T>().Apply(new(SyncKind.Applied, obj));
        return this;
    }

    public Cluster Delete<T>(T obj) where T : class, IObject<T>
    {
        Filled<T>().Apply(new(SyncKind.Deleted, obj));
        return this;
    }

    /// <summary>Namespace <c>shop</c>: <c>web</c> with two ports and both families, <c>db</c> headless with a named and a nameless Pod, <c>out</c> elsewhere.</summary>
    public static Cluster Shop() => new Cluster()
        .Put(new Namespace { Metadata = new() { Name = "shop" } })
        .Put(new Service { Metadata = new() { Name = "kube-dns", Namespace = "kube-system" }, Spec = new() { Type = "ClusterIP", ClusterIP = "10.96.0.2", ClusterIPs = ["10.96.0.2"] } })
        .Put(Service("web", s => s with { ClusterIP = "10.96.0.10", ClusterIPs = ["10.96.0.10", "fd00::a"], Ports = [Port("http", 80), Port("dns", 53, "UDP")] }))
        .Put(Service("db", s => s with { ClusterIP = "None", ClusterIPs = ["None"], Ports = [Port("sql", 5432)] }))
        .Put(Service("empty", s => s with { ClusterIP = "None", ClusterIPs = ["None"] }))
        .Put(Service("out", s => s with { Type = "ExternalName", ExternalName = "db.example.com." }))
        .Put(Service("inner", s => s with { Type = "ExternalName", ExternalName = "web.shop.svc.cluster.local" }))
        .Put(new EndpointSlice
        {
            Metadata = new() { Name = "db-1", Namespace = "shop", Labels = Map.Of(("kubernetes.io/service-name", "db")) }, AddressType = "IPv4",
            Endpoints =
            [
                new() { Addresses = ["10.244.0.5"], Hostname = "db-0", Conditions = new() { Ready = true } },
                new() { Addresses = ["10.244.0.6"] },
                new() { Addresses = ["10.244.0.7"], Conditions = new() { Ready = false } },
            ],
            Ports = [new() { Name = "sql", Port = 5432, Protocol = "TCP" }],
        });

    public static Service Service(string name, Func<ServiceSpec, ServiceSpec> spec) =>
        new() { Metadata = new() { Name = name, Namespace = "shop" }, Spec = spec(new() { Type = "ClusterIP" }) };

    static ServicePort Port(string name, int number, string protocol = "TCP") => new() { Name = name, Port = number, Protocol = protocol };
}
