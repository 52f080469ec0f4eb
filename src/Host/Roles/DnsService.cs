using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Discovery.V1;
using Hanbae.Api.Rest;
using Hanbae.Client;
using Hanbae.Host.Settings;

namespace Hanbae.Host.Roles;

/// <summary>The Service <c>kube-dns</c>, under whose address Pods ask this process.</summary>
sealed class DnsService(IApiTransport transport, ClusterSettings settings, TimeProvider time)
{
    const string Namespace = "kube-system", Name = "kube-dns";
    static readonly TimeSpan Look = TimeSpan.FromMinutes(1);

    readonly ApiClient _client = new(transport, time);

    /// <summary>Puts the Service back when it is gone, and its endpoints when they are gone or changed.</summary>
    public async Task RunAsync(CancellationToken ct)
    {
        using var timer = new PeriodicTimer(Look, time);
        do await EnsureAsync(ct);
        while (await timer.WaitForNextTickAsync(ct));
    }

    async Task EnsureAsync(CancellationToken ct)
    {
        var key = new Key(Namespace, Name);
        string address = settings.BridgeAddress.ToString();
        if (await _client.FindAsync<Service>(key, ct) is null) await _client.CreateAsync(Service(), ct);
        var known = await _client.FindAsync<EndpointSlice>(key, ct);
        if (known is null) await _client.CreateAsync(Slice(address), ct);
        else if (known.Endpoints != Slice(address).Endpoints || known.Ports != Slice(address).Ports)
            await _client.UpdateAsync(known with { Endpoints = Slice(address).Endpoints, Ports = Slice(address).Ports }, ct);
    }

    Service Service() => new()
    {
        Metadata = new()
        {
            Namespace = Namespace, Name = Name,
            Labels = Map.Of(("k8s-app", "kube-dns"), ("kubernetes.io/cluster-service", "true"), ("kubernetes.io/name", "CoreDNS")),
        },
        Spec = new()
        {
            ClusterIP = settings.DnsClusterIp.ToString(),
            Ports = [new() { Name = "dns", Protocol = "UDP", Port = 53, TargetPort = 53 }, new() { Name = "dns-tcp", Protocol = "TCP", Port = 53, TargetPort = 53 }],
        },
    };

    /// <summary>Without a selector the Service's endpoints are whoever's who writes them.</summary>
    static EndpointSlice Slice(string address) => new()
    {
        Metadata = new()
        {
            Namespace = Namespace, Name = Name,
            Labels = Map.Of(("kubernetes.io/service-name", Name), ("endpointslice.kubernetes.io/managed-by", "hanbae")),
        },
        AddressType = "IPv4",
        Endpoints = [new() { Addresses = [address], Conditions = new() { Ready = true } }],
        Ports = [new() { Name = "dns", Protocol = "UDP", Port = 53 }, new() { Name = "dns-tcp", Protocol = "TCP", Port = 53 }],
    };
}
