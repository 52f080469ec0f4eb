using System.Net;
using System.Net.Sockets;
using Hanbae.EndToEnd.Rig;

namespace Hanbae.EndToEnd.Clients;

/// <summary>A control plane with two simulated nodes, which clients from packages talk to.</summary>
public sealed class ClientCluster : IAsyncLifetime
{
    public const string Name = "clients";

    public RealCluster Cluster { get; } = RealCluster.Plan();

    public async Task InitializeAsync()
    {
        if (Prerequisites.MissingForControlPlane is not null) return;
        try
        {
            await Cluster.UpAsync("--control-plane-only", "--simulated-nodes", "2");
            await Until.TrueAsync("default service account", async () => (await Cluster.TryKubectlAsync(["get", "serviceaccount", "default"])).Code == 0);
        }
        catch
        {
            await Cluster.DisposeAsync();
            throw;
        }
    }

    public async Task DisposeAsync() => await Cluster.DisposeAsync();
}

[CollectionDefinition(ClientCluster.Name)]
public sealed class ClientClusterCollection : ICollectionFixture<ClientCluster>;

/// <summary>A test with a client that may not be installed; what is missing is named.</summary>
public sealed class ClientFactAttribute : FactAttribute
{
    /// <param name="needs">Files that must be there: absolute, or programs of PATH; with <c>*</c> in a folder's name any that fits.</param>
    public ClientFactAttribute(params string[] needs) =>
        Skip = Prerequisites.MissingForControlPlane ?? (needs.FirstOrDefault(n => !IsThere(n)) is { } missing ? $"needs {missing}" : null);

    static bool IsThere(string need) => need[0] != '/' ? Program.Find(need) is not null : Installed.Find(need) is not null;
}

/// <summary>Finds what packages put into folders whose names have a version in them.</summary>
static class Installed
{
    /// <returns>The newest file that fits, or null.</returns>
    public static string? Find(string pattern)
    {
        int star = pattern.IndexOf('*');
        if (star < 0) return File.Exists(pattern) ? pattern : null;
        string folder = Path.GetDirectoryName(pattern[..star])!, rest = pattern[(star + 2)..];
        return !Directory.Exists(folder) ? null
            : Directory.EnumerateDirectories(folder).OrderDescending(StringComparer.Ordinal).Select(d => Path.Combine(d, rest)).FirstOrDefault(File.Exists);
    }

    public static string Script(string name) => Path.Combine(Hanbae.Kit.Repository.Root, "tests/EndToEnd/Clients", name);
}

/// <summary>Where a client's own server can listen.</summary>
static class Loopback
{
    public static string Free()
    {
        using var probe = new TcpListener(IPAddress.Loopback, 0);
        probe.Start();
        return probe.LocalEndpoint.ToString()!;
    }
}
