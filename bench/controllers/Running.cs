using Hanbae.Api.Rest;
using Hanbae.Client;
using Hanbae.Controllers;
using Hanbae.Testing;

namespace Hanbae.Bench.Controllers;

/// <summary>All controllers at work on a test cluster, with caches of their own, as a process of their own would have them.</summary>
sealed class Running
{
    readonly CancellationTokenSource _stop = new();
    readonly Task _task;

    Running(TestCluster cluster)
    {
        Wire = new(cluster.Client.Transport);
        var informers = new InformerFactory(Wire, cluster.Time);
        var access = new ClusterAccess(Wire, informers, "controllers", cluster.Time);
        _task = Task.WhenAll(informers.RunAsync(_stop.Token), access.RunAsync(_stop.Token), Catalog.RunAsync(_ => access, ControllerOptions.Default, _stop.Token));
    }

    public Counted Wire { get; }

    public static Task<Running> StartAsync(TestCluster cluster) => Task.FromResult(new Running(cluster));

    /// <summary>No request for two seconds.</summary>
    public async Task QuietAsync()
    {
        for (int before = -1; before != Wire.All;)
        {
            before = Wire.All;
            await Task.Delay(2000);
        }
    }

    public async Task StopAsync()
    {
        await _stop.CancelAsync();
        await _task.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    /// <summary>Counts what is asked.</summary>
    public sealed class Counted(IApiTransport inner) : IApiTransport
    {
        int _lists, _watches, _reads, _writes;

        public int Lists => _lists;
        public int Watches => _watches;
        public int Reads => _reads;
        public int Writes => _writes;
        public int All => _lists + _watches + _reads + _writes;

        public async ValueTask<ApiResult> SendAsync(ApiRequest request, CancellationToken ct)
        {
            var result = await inner.SendAsync(request, ct);
            if (request.Method != "GET") Interlocked.Increment(ref _writes);
            else if (result.List is not null) Interlocked.Increment(ref _lists);
            else Interlocked.Increment(ref _reads);
            return result;
        }

        public IAsyncEnumerable<ApiEvent> WatchAsync(ApiRequest request, CancellationToken ct)
        {
            Interlocked.Increment(ref _watches);
            return inner.WatchAsync(request, ct);
        }

        public ValueTask<Stream> StreamAsync(ApiRequest request, CancellationToken ct) => inner.StreamAsync(request, ct);
    }
}
