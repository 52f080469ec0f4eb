namespace Hanbae.EndToEnd.Rig;

/// <summary>The one cluster of all tests that need just one; each of them has a namespace of its own in it.</summary>
public sealed class SharedCluster : IAsyncLifetime
{
    public const string Name = "shared cluster";

    public RealCluster Cluster { get; } = RealCluster.Plan();

    public async Task InitializeAsync()
    {
        // All tests being skipped, there is nothing to start.
        if (Prerequisites.MissingForNode is not null) return;
        await RealCluster.SweepAsync();
        try
        {
            await Cluster.UpAsync();
            await Cluster.ImportBusyboxAsync();
        }
        catch
        {
            await Cluster.DisposeAsync();
            throw;
        }
    }

    public async Task DisposeAsync() => await Cluster.DisposeAsync();
}

[CollectionDefinition(SharedCluster.Name)]
public sealed class SharedClusterCollection : ICollectionFixture<SharedCluster>;
