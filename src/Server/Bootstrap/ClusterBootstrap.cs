using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Rest;
using Hanbae.Api.Scheduling.V1;

namespace Hanbae.Server.Bootstrap;

/// <summary>Makes what every cluster has from the start: system namespaces, priority classes, roles, and the Service of the API server itself.</summary>
/// <remarks>Idempotent, and safe for several servers at once: run at every start. What users changed stays, but for what is missing from it.</remarks>
public static class ClusterBootstrap
{
    const string PriorityPrefix = "system-";

    public static async Task EnsureAsync(IApiTransport transport, BootstrapOptions options, CancellationToken ct)
    {
        var ensure = new Ensure(transport, options.Time);
        await ensure.AllAsync(SystemNamespaces(), Keep, ct).ConfigureAwait(false);
        await Task.WhenAll(
            RbacPolicy.EnsureAsync(ensure, options.MoreServed, ct),
            FlowPolicy.EnsureAsync(ensure, ct),
            ensure.AllAsync(PriorityClasses(), Keep, ct),
            ensure.EachAsync(TrustObjects.Of(options), TrustObjects.Merge, ct),
            ensure.AllAsync([TokenTracking(options)], static (there, wanted) => there.Data["since"] is null ? there with { Data = wanted.Data } : there, ct),
            KubernetesService.EnsureAsync(ensure, options, ct)).ConfigureAwait(false);
    }

    /// <summary>The part of it that must not be missing or other while the server runs.</summary>
    /// <param name="before">What the look before this one went by, if there was one.</param>
    internal static async Task StandAsync(Ensure ensure, BootstrapOptions options, BootstrapOptions? before, CancellationToken ct)
    {
        await ensure.EachAsync(SystemNamespaces(), Keep, ct).ConfigureAwait(false);
        await Task.WhenAll(
            ensure.EachAsync(TrustObjects.Of(options), Merge, ct),
            KubernetesService.StandAsync(ensure, options, ct)).ConfigureAwait(false);

        ConfigMap Merge(ConfigMap there, ConfigMap wanted) =>
            wanted.Metadata.Name == TrustObjects.ClusterInfo && before is not null && TrustObjects.IsToldTheSame(before, options) ? there : TrustObjects.Merge(there, wanted);
    }

    static IEnumerable<Namespace> SystemNamespaces() =>
        ((string[])["default", "kube-system", "kube-public", "kube-node-lease"]).Select(n => new Namespace { Metadata = new() { Name = n } });

    static T Keep<T>(T there, T wanted) => there;

    static IEnumerable<PriorityClass> PriorityClasses()
    {
        yield return new()
        {
            Metadata = new() { Name = PriorityPrefix + "node-critical" }, Value = 2_000_001_000,
            Description = "Used for system critical pods that must not be moved from their current node.",
        };
        yield return new()
        {
            Metadata = new() { Name = PriorityPrefix + "cluster-critical" }, Value = 2_000_000_000,
            Description = "Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.",
        };
    }

    /// <summary>Since when the server notes which tokens in Secrets are used (KEP-2799): who cleans them away goes by it.</summary>
    static ConfigMap TokenTracking(BootstrapOptions options) => new()
    {
        Metadata = new() { Name = "kube-apiserver-legacy-service-account-token-tracking", Namespace = "kube-system" },
        Data = Map.Of(("since", options.Time.GetUtcNow().ToString("yyyy-MM-dd", System.Globalization.CultureInfo.InvariantCulture))),
    };
}
