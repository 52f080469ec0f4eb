using System.Collections.Frozen;
using Google.Protobuf.Collections;
using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Client;
using Hanbae.Cri.Csi;
using Hanbae.Grpc;
using ControllerCan = Hanbae.Cri.Csi.ControllerServiceCapability.Types.RPC.Types.Type;
using PluginCan = Hanbae.Cri.Csi.PluginCapability.Types.Service.Types.Type;

namespace Hanbae.Kubelet.Volumes.Csi.Control;

/// <summary>The controller service of one driver, and what it can do.</summary>
sealed record ControllerSide(CsiDriver Driver, FrozenSet<ControllerCan> Can, bool KnowsPlaces)
{
    public string Name => Driver.Name;

    public bool Does(ControllerCan what) => Can.Contains(what);

    /// <summary>The claim of a volume of this driver that was not its own before: which of the two is seen first nobody says.</summary>
    public Key? ClaimNewTo(CacheEvent<PersistentVolume> e) =>
        e.New?.Spec is { Csi: { } csi, ClaimRef: { } claim } && csi.Driver == Name && e.Old?.Spec.ClaimRef?.Uid != claim.Uid ? new(claim.Namespace, claim.Name) : null;

    /// <returns>Null when the driver has no controller service at this socket: one that runs elsewhere has its sidecars there.</returns>
    /// <exception cref="GrpcException">It does not answer now.</exception>
    public static async Task<ControllerSide?> OfAsync(CsiDriver driver, CancellationToken ct)
    {
        var plugin = (await driver.CallAsync(CsiMethods.GetPluginCapabilities, new(), ct).ConfigureAwait(false)).Capabilities.Where(c => c.Service is not null).Select(c => c.Service.Type).ToHashSet();
        if (!plugin.Contains(PluginCan.ControllerService)) return null;
        try
        {
            var can = (await driver.CallAsync(CsiMethods.ControllerGetCapabilities, new(), ct).ConfigureAwait(false)).Capabilities;
            return new(driver, can.Where(c => c.Rpc is not null).Select(c => c.Rpc.Type).ToFrozenSet(), plugin.Contains(PluginCan.VolumeAccessibilityConstraints));
        }
        catch (GrpcException e) when (e.Status == GrpcStatus.Unimplemented) { return null; } // the same program in its role as a node plugin
    }

    /// <summary>What a volume of such modes is used for, as drivers are asked it: one capability for each mode.</summary>
    public IEnumerable<VolumeCapability> Capabilities(Seq<string> modes, bool block, string fsType, Seq<string> mountOptions)
    {
        foreach (string mode in modes.IsEmpty ? ["ReadWriteOnce"] : modes)
        {
            var made = new VolumeCapability { AccessMode = new() { Mode = CsiWish.ModeOf(mode, Does(ControllerCan.SingleNodeMultiWriter)) } };
            if (block) made.Block = new();
            else
            {
                made.Mount = new() { FsType = fsType };
                made.Mount.MountFlags.Add(mountOptions);
            }
            yield return made;
        }
    }

    public VolumeCapability Capability(PersistentVolume volume) =>
        Capabilities(volume.Spec.AccessModes, volume.Spec.VolumeMode == "Block", volume.Spec.Csi!.FsType, volume.Spec.MountOptions).First();

    /// <exception cref="SecretException">It is named and not there.</exception>
    public static async Task PutSecretsAsync(IClient client, MapField<string, string> into, string? ns, string? name, CancellationToken ct)
    {
        if (string.IsNullOrEmpty(name)) return;
        var secret = await client.FindAsync<Secret>(new Key(ns ?? "", name), ct).ConfigureAwait(false) ?? throw new SecretException($"error getting secret {name} in namespace {ns}: secrets \"{name}\" not found");
        foreach (var (key, value) in secret.Data) into[key] = System.Text.Encoding.UTF8.GetString(value.Span);
    }

    public static Task PutSecretsAsync(IClient client, MapField<string, string> into, SecretReference? reference, CancellationToken ct) => PutSecretsAsync(client, into, reference?.Namespace, reference?.Name, ct);
}

/// <summary>A Secret that a driver is to get cannot be had.</summary>
sealed class SecretException(string message) : Exception(message);
