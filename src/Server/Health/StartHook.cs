namespace Hanbae.Server.Health;

/// <summary>Something that is begun or done once when the server starts, under the name by which upstream's checks know it.</summary>
/// <param name="IsDone">Asked by every check; cheap.</param>
public sealed record StartHook(string Name, Func<bool> IsDone)
{
    /// <summary>What runs for as long as there is a server.</summary>
    static readonly string[] s_always =
    [
        "start-apiserver-admission-initializer", "generic-apiserver-start-informers", "storage-object-count-tracker-hook", "start-apiextensions-informers", "start-apiextensions-controllers",
    ];
    static readonly string[] s_flowing = ["priority-and-fairness-config-consumer", "priority-and-fairness-filter"];
    static readonly string[] s_bootstrap =
    [
        "start-system-namespaces-controller", "start-cluster-authentication-info-controller", "start-kube-apiserver-identity-lease-controller", "start-kube-apiserver-identity-lease-garbage-collector",
        "start-legacy-token-tracking-controller", "start-service-ip-repair-controllers", "rbac/bootstrap-roles", "scheduling/bootstrap-system-priority-classes",
        "priority-and-fairness-config-producer", "bootstrap-controller", "start-kubernetes-service-cidr-controller",
    ];
    static readonly string[] s_aggregating =
    [
        "aggregator-reload-proxy-client-cert", "start-kube-aggregator-informers", "apiservice-status-local-available-controller", "apiservice-status-remote-available-controller",
        "apiservice-registration-controller", "apiservice-discovery-controller", "kube-apiserver-autoregistration", "apiservice-openapi-controller", "apiservice-openapiv3-controller",
    ];

    /// <summary>Of a server that makes what every cluster has (<see cref="Bootstrap.ClusterBootstrap"/>).</summary>
    public static IEnumerable<StartHook> OfBootstrap(Func<bool> done) => s_bootstrap.Select(n => new StartHook(n, done));

    /// <summary>Of every server.</summary>
    internal static IEnumerable<StartHook> Of(Aggregation.Aggregator? aggregator, bool flows)
    {
        foreach (string name in s_always) yield return new(name, static () => true);
        if (flows)
            foreach (string name in s_flowing) yield return new(name, static () => true);
        if (aggregator is not null)
            foreach (string name in s_aggregating) yield return new(name, () => aggregator.IsRegistered);
    }
}
