using System.Collections.Immutable;
using Hanbae.Cri.Csi;
using Hanbae.Grpc;
using Hanbae.Kubelet.Plugins;

namespace Hanbae.Kubelet.Volumes.Csi;

/// <summary>The storage drivers that are registered on this node now. One writer, the kubelet; anybody may read and follow.</summary>
/// <remarks>It may outlive a kubelet that is started anew in the same process: sockets are asked again.</remarks>
public sealed class CsiDrivers
{
    ImmutableDictionary<string, CsiDriver> _all = ImmutableDictionary<string, CsiDriver>.Empty;

    /// <summary>Something came or went. Handlers must not block.</summary>
    public event Action? Changed;

    /// <summary>A call of the driver of that name has ended: which, how long it took, and how. Handlers must not block.</summary>
    internal event Action<string, string, TimeSpan, GrpcException?>? Called;

    public IReadOnlyCollection<CsiDriver> All => [.. Volatile.Read(ref _all).Values];

    public CsiDriver? Find(string name) => Volatile.Read(ref _all).GetValueOrDefault(name);

    /// <exception cref="VolumeException">There is none of that name, in upstream's words.</exception>
    public CsiDriver Get(string name) => Find(name) ?? throw new VolumeException($"kubernetes.io/csi: driver name {name} not found in the list of registered CSI drivers");

    public void Put(CsiDriver driver)
    {
        driver.Called = (method, took, error) => Called?.Invoke(driver.Name, method, took, error);
        ImmutableInterlocked.AddOrUpdate(ref _all, driver.Name, driver, (_, old) =>
        {
            if (old != driver) old.Dispose(); // its calls, if any, end with Unavailable and are made again
            return driver;
        });
        Changed?.Invoke();
    }

    public void Remove(string name)
    {
        if (!ImmutableInterlocked.TryRemove(ref _all, name, out var gone)) return;
        gone.Dispose();
        Changed?.Invoke();
    }
}

/// <summary>Takes CSI drivers in: asks each what it calls this node, and has the cluster know.</summary>
sealed class CsiRegistration(CsiDrivers drivers, CsiNodes nodes, TimeProvider time) : IPluginKind
{
    public string Type => "CSIPlugin";

    public async Task RegisterAsync(string name, string endpoint, IReadOnlyList<string> versions, CancellationToken ct)
    {
        // Upstream's rule: some version 1; those before 1.0 are long gone.
        if (!versions.Any(v => v.TrimStart('v').Split('.')[0] == "1"))
            throw new PluginException($"RegisterPlugin error -- plugin validation failed with err: kubernetes.io/csi: Failed to register driver {name}: versions {string.Join(",", versions)}: no supported version");
        if (name.Length == 0) throw new PluginException("RegisterPlugin error -- plugin validation failed with err: kubernetes.io/csi: Failed to register driver with no name");
        var driver = new CsiDriver(name, endpoint, time);
        try
        {
            var info = await driver.CallAsync(CsiMethods.NodeGetInfo, new NodeGetInfoRequest(), ct).ConfigureAwait(false);
            (driver.NodeId, driver.Topology) = (info.NodeId, info.AccessibleTopology?.Segments.ToMap() ?? default);
            await nodes.AddAsync(driver, info.MaxVolumesPerNode, ct).ConfigureAwait(false);
        }
        catch
        {
            driver.Dispose();
            throw;
        }
        drivers.Put(driver);
    }

    public async Task UnregisterAsync(string name, CancellationToken ct)
    {
        drivers.Remove(name);
        await nodes.RemoveAsync(name, ct).ConfigureAwait(false);
    }
}
