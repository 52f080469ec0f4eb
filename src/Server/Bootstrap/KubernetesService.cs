using System.Net.Sockets;
using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Discovery.V1;
using Hanbae.Api.Networking.V1;

namespace Hanbae.Server.Bootstrap;

/// <summary>The Service <c>kubernetes</c> in default, by which Pods reach the API server, and its endpoints.</summary>
/// <remarks>For one API server: with several, each would have to hold a lease so that the address of one that is gone is taken out (upstream's lease reconciler).</remarks>
static class KubernetesService
{
    const string Name = "kubernetes", Namespace = "default", Port = "https";

    public static Task EnsureAsync(Ensure ensure, BootstrapOptions options, CancellationToken ct) => EnsureAsync(ensure, options, starting: true, ct);

    /// <summary>As upstream: the Service's ports are put right at a start only, its endpoints whenever they are wrong.</summary>
    public static Task StandAsync(Ensure ensure, BootstrapOptions options, CancellationToken ct) => EnsureAsync(ensure, options, starting: false, ct);

    static async Task EnsureAsync(Ensure ensure, BootstrapOptions options, bool starting, CancellationToken ct)
    {
        if (options.ServiceRanges.Count > 0)
            await ensure.EachAsync([new ServiceCIDR { Metadata = new() { Name = Name }, Spec = new() { Cidrs = [.. options.ServiceRanges.Select(r => r.ToString())] } }],
                static (there, _) => there, ct).ConfigureAwait(false);
        if (options.ServiceAddress is not { } address) return;
        string ip = address.ToString();
        int target = options.Advertise?.Port ?? 6443;
        Seq<ServicePort> ports = [new() { Name = Port, Protocol = "TCP", Port = options.ServicePort, TargetPort = new IntOrString(target) }];
        var service = new Service
        {
            Metadata = new() { Name = Name, Namespace = Namespace, Labels = Map.Of(("component", "apiserver"), ("provider", "kubernetes")) },
            Spec = new() { Type = "ClusterIP", SessionAffinity = "None", ClusterIP = ip, ClusterIPs = [ip], Ports = ports },
        };
        await ensure.EachAsync([service], (there, _) => !starting || Same(there, target) ? there : there with { Spec = there.Spec with { Ports = ports } }, ct).ConfigureAwait(false);
        if (options.Advertise is not { } advertised) return;

        string at = advertised.Address.ToString();
        var endpoints = new Endpoints
        {
            Metadata = new() { Name = Name, Namespace = Namespace, Labels = Map.Of(("endpointslice.kubernetes.io/skip-mirror", "true")) },
            Subsets = [new() { Addresses = [new() { Ip = at }], Ports = [new() { Name = Port, Port = target, Protocol = "TCP" }] }],
        };
        var slice = new EndpointSlice
        {
            Metadata = new() { Name = Name, Namespace = Namespace, Labels = Map.Of(("kubernetes.io/service-name", Name)) },
            AddressType = advertised.AddressFamily == AddressFamily.InterNetworkV6 ? "IPv6" : "IPv4",
            Endpoints = [new() { Addresses = [at], Conditions = new() { Ready = true } }],
            Ports = [new() { Name = Port, Port = target, Protocol = "TCP" }],
        };
        await ensure.EachAsync([endpoints], (there, wanted) => there.Subsets == wanted.Subsets ? there : there with { Subsets = wanted.Subsets }, ct).ConfigureAwait(false);
        await ensure.EachAsync([slice], (there, wanted) => there.Endpoints == wanted.Endpoints && there.Ports == wanted.Ports ? there
            : there with { Endpoints = wanted.Endpoints, Ports = wanted.Ports }, ct).ConfigureAwait(false);
    }

    static bool Same(Service there, int target) => there.Spec.Ports.Exists(p => p.Name == Port && p.TargetPort == new IntOrString(target));
}
