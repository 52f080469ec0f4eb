using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Rest;
using Hanbae.Client;
using Hanbae.Scheduler;
using Hanbae.Testing;

namespace Hanbae.Bench.Scheduler;

/// <summary>A real API server over a memory store, in this process: each write is decoded, admitted, validated, stored and watched; the scheduler is a client of it, with its rights and its Events.</summary>
sealed class Served : IBackend
{
    /// <summary>As scheduler_perf, which has these off: its Pods have no accounts, its nodes no conditions.</summary>
    static readonly string[] Off = ["ServiceAccounts", "TaintNodesByCondition", "Priority"];

    readonly TestCluster _cluster;
    readonly Progress _progress = new();
    readonly IDisposable _pods;
    int _deleted, _refusals;

    Served(TestCluster cluster)
    {
        _cluster = cluster;
        _pods = cluster.Informers.Cache<Pod>().Subscribe(e =>
        {
            if (e.New is null) Interlocked.Increment(ref _deleted);
            else if (e.New.Spec.NodeName.Length > 0 && e.Old is { Spec.NodeName.Length: 0 }) _progress.One();
        });
    }

    public static async Task<Served> MakeAsync() => new(await TestCluster.StartAsync(new()
    {
        Controllers = false, Scheduler = false,
        Server = static o => o with { Admission = [.. o.Admission.Where(a => !Off.Contains(a.GetType().Name))] },
    }));

    public int Bound => _progress.Bound;
    public int Deleted => Volatile.Read(ref _deleted);
    public int Refusals => Volatile.Read(ref _refusals);

    public Task AddAsync<T>(T obj) where T : class, IObject<T> => _cluster.Client.CreateAsync(obj, CancellationToken.None);

    public async Task RemoveAsync<T>(T obj) where T : class, IObject<T>
    {
        try { await _cluster.Client.DeleteAsync<T>(Key.Of(obj), new() { GracePeriodSeconds = 0 }, CancellationToken.None); }
        catch (ApiException e) when (e.IsNotFound) { }
    }

    public Task StartAsync(Action<TimeSpan> decided)
    {
        var access = new Counted(_cluster.Access("default-scheduler", "system:kube-scheduler"), () => Interlocked.Increment(ref _refusals));
        _cluster.Run("scheduler", ct => new Hanbae.Scheduler.Scheduler(access, new SchedulerOptions { Decided = decided }).RunAsync(ct));
        return Task.CompletedTask;
    }

    public Task ExpectAsync(int pods) => _progress.ExpectAsync(pods);

    public async ValueTask DisposeAsync()
    {
        _pods.Dispose();
        await _cluster.DisposeAsync();
    }
}
