using Hanbae.Api;
using Hanbae.Api.Rest;
using Hanbae.Api.Storage.V1;
using Hanbae.Client;
using Hanbae.Host.Settings;
using Hanbae.Kubelet.Simulation;
using Hanbae.Kubelet.Volumes.Local;
using Microsoft.Extensions.Logging;

namespace Hanbae.Host.Roles;

/// <summary>Gives claims volumes without anything having to be installed: the default class <c>local</c>, and who makes its volumes on this machine's nodes.</summary>
/// <param name="folder">Of the volumes on this machine.</param>
sealed class LocalStorage(IClusterAccess access, ClusterSettings settings, string folder, ILogger log)
{
    const string Class = "local";

    public async Task RunAsync(CancellationToken ct)
    {
        // One that is there is its users' affair, also when it is no longer the default.
        try { if (await access.Client.FindAsync<StorageClass>(new Key("", Class), ct) is null) await access.Client.CreateAsync(Made(), ct); }
        catch (ApiException e) when (e.IsAlreadyExists) { }
        var (real, simulated) = (new LocalFolders(folder), new SimulatedDisk());
        var names = Enumerable.Range(0, settings.SimulatedNodes).Select(SimulatedNodes.Name).ToHashSet();
        var provisioner = new LocalProvisioner(access, node =>
            !settings.ControlPlaneOnly && node == settings.NodeName ? real : names.Contains(node) ? simulated : null);
        await new ReconcileLoop("local-provisioner", provisioner, access.Time, logger: log).RunAsync(ct);
    }

    static StorageClass Made() => new()
    {
        Metadata = new() { Name = Class, Annotations = Map.Of(("storageclass.kubernetes.io/is-default-class", "true")) },
        Provisioner = LocalProvisioner.Name, ReclaimPolicy = "Delete", VolumeBindingMode = "WaitForFirstConsumer", AllowVolumeExpansion = true,
    };
}
