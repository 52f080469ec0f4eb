using System.Security.Cryptography;
using System.Text;
using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Rest;
using Hanbae.Api.Storage.V1;
using Hanbae.Client;
using Hanbae.Cri.Csi;
using Hanbae.Grpc;
using ControllerCan = Hanbae.Cri.Csi.ControllerServiceCapability.Types.RPC.Types.Type;

namespace Hanbae.Kubelet.Volumes.Csi.Control;

/// <summary>Tells the scheduler how much storage each class still has in each place (KEP-1472), for drivers that are declared to know.</summary>
/// <remarks>Keys are classes. Asked once a minute, as upstream, and when a volume of the class came or went.</remarks>
sealed class Room(IClusterAccess cluster, ControllerSide side, Sidecars sidecars) : IReconciler
{
    const string Namespace = "kube-system", DriverLabel = "csi.storage.k8s.io/drivername", ManagedLabel = "csi.storage.k8s.io/managed-by", Managed = "hanbae";
    static readonly TimeSpan s_period = TimeSpan.FromMinutes(1);

    readonly ICache<StorageClass> _classes = cluster.Cache<StorageClass>();
    readonly ICache<CSIDriver> _drivers = cluster.Cache<CSIDriver>();
    readonly ICache<CSINode> _csiNodes = cluster.Cache<CSINode>();
    readonly ICache<Node> _nodes = cluster.Cache<Node>();
    readonly ICache<PersistentVolume> _volumes = cluster.Cache<PersistentVolume>();
    readonly ICache<CSIStorageCapacity> _told = cluster.Cache<CSIStorageCapacity>();

    public void Watch(Triggers on) => on
        .Map(_classes, c => c.Provisioner == side.Name ? [Key.Of(c)] : [])
        .Map(_volumes, v => v.Spec.Csi?.Driver == side.Name && v.Spec.StorageClassName.Length > 0 ? [new Key("", v.Spec.StorageClassName)] : [])
        .Map(_drivers, d => d.Metadata.Name == side.Name ? Ours() : [])
        .Map(_csiNodes, _ => Ours())
        // What was told of classes that are gone.
        .Map(_told, t => Mine(t) ? [new Key("", t.StorageClassName)] : [])
        .Needs(_nodes);

    IEnumerable<Key> Ours() => _classes.All.Where(c => c.Provisioner == side.Name).Select(c => Key.Of(c));

    bool Mine(CSIStorageCapacity told) => told.Metadata.Namespace == Namespace && told.Metadata.Labels[ManagedLabel] == Managed && told.Metadata.Labels[DriverLabel] == side.Name;

    public async Task<Again> ReconcileAsync(Key key, CancellationToken ct)
    {
        bool tells = side.Does(ControllerCan.GetCapacity) && _drivers.Find(new("", side.Name)) is { Spec.StorageCapacity: true };
        var made = tells && _classes.Find(key) is { } found && found.Provisioner == side.Name ? found : null;
        if (sidecars.Serve(Sidecars.Provisioner)) made = null;
        var wanted = new List<CSIStorageCapacity>();
        if (made is not null)
            foreach (var place in Places.Of(side.Name, _csiNodes.All, n => _nodes.Find(new("", n))))
                if (await AskAsync(made, place, ct).ConfigureAwait(false) is { } room) wanted.Add(room);
        foreach (var room in wanted)
            if (_told.Find(Key.Of(room)) is not { } there)
            {
                try { await cluster.Client.CreateAsync(room, ct).ConfigureAwait(false); }
                catch (ApiException e) when (e.IsAlreadyExists) { return Again.WithBackoff; }
            }
            else if (there.Capacity != room.Capacity || there.MaximumVolumeSize != room.MaximumVolumeSize)
                await cluster.Client.UpdateAsync(there with { Capacity = room.Capacity, MaximumVolumeSize = room.MaximumVolumeSize }, ct).ConfigureAwait(false);
        foreach (var old in _told.All.Where(t => Mine(t) && t.StorageClassName == key.Name && !wanted.Exists(w => w.Metadata.Name == t.Metadata.Name)))
            await cluster.Client.TryDeleteAsync<CSIStorageCapacity>(Key.Of(old), new(), ct).ConfigureAwait(false);
        return made is not null ? Again.In(s_period) : Again.OnChange;
    }

    async Task<CSIStorageCapacity?> AskAsync(StorageClass made, Map<string> place, CancellationToken ct)
    {
        var request = new GetCapacityRequest { AccessibleTopology = Places.Told(place) };
        foreach (var (name, value) in new ClassParameters(made.Parameters).Drivers) request.Parameters[name] = value;
        GetCapacityResponse answer;
        try { answer = await side.Driver.CallAsync(CsiMethods.GetCapacity, request, ct).ConfigureAwait(false); }
        catch (GrpcException e) when (CsiDriver.IsFinal(e)) { return null; }
        string id = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{side.Name} {made.Metadata.Name} {Places.Text(place)}")).AsSpan(0, 8));
        return new()
        {
            Metadata = new() { Namespace = Namespace, Name = "csisc-" + id, Labels = Map.Of((DriverLabel, side.Name), (ManagedLabel, Managed)) },
            StorageClassName = made.Metadata.Name, NodeTopology = new() { MatchLabels = place }, Capacity = new Quantity(answer.AvailableCapacity, QuantityFormat.BinarySI),
            MaximumVolumeSize = answer.MaximumVolumeSize is { } most ? new Quantity(most, QuantityFormat.BinarySI) : null,
        };
    }
}
