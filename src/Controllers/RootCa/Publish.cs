using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Rest;
using Hanbae.Client;

namespace Hanbae.Controllers.RootCa;

/// <summary>Puts the certificates by which Pods know the API server into each namespace, as ConfigMap <c>kube-root-ca.crt</c>.</summary>
sealed class Publish(IClusterAccess cluster, ControllerOptions options) : IReconciler
{
    const string Name = "kube-root-ca.crt";
    const string Entry = "ca.crt";
    const string Description = "kubernetes.io/description";
    const string Described = "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. "
        + "No other usage is guaranteed across distributions of Kubernetes clusters.";

    readonly ICache<Namespace> _namespaces = cluster.Cache<Namespace>();
    // Only those of the name: the ConfigMaps of a cluster may be large.
    readonly ICache<ConfigMap> _maps = cluster.Cache<ConfigMap>(new() { FieldSelector = "metadata.name=" + Name });

    string RootCa => options.CurrentRootCa?.Invoke() ?? options.RootCa;

    public void Watch(Triggers on)
    {
        on.Each(_namespaces).Map(_maps, m => [new Key("", m.Metadata.Namespace)]);
        if (options.OnRootCaChange is { } subscribe)
            on.From(add => subscribe(() => { foreach (var ns in _namespaces.All) add(new("", ns.Metadata.Name)); }));
    }

    public async Task<Again> ReconcileAsync(Key key, CancellationToken ct)
    {
        string root = RootCa;
        if (root.Length == 0 || _namespaces.Find(key) is not { Metadata.DeletionTimestamp: null }) return Again.OnChange;
        var data = Map.Of((Entry, root));
        try
        {
            if (_maps.Find(new(key.Name, Name)) is not { } map)
                await cluster.Client.CreateAsync(new ConfigMap { Metadata = new() { Name = Name, Namespace = key.Name, Annotations = Map.Of((Description, Described)) }, Data = data }, ct);
            else if (map.Data != data || string.IsNullOrEmpty(map.Metadata.Annotations[Description]))
                await cluster.Client.UpdateAsync(map with { Data = data, BinaryData = default, Metadata = map.Metadata with { Annotations = map.Metadata.Annotations.Set(Description, Described) } }, ct);
        }
        catch (ApiException e) when (e.IsAlreadyExists || Ownership.Refusal.IsNamespaceTerminating(e)) { }
        return Again.OnChange;
    }
}
