using Hanbae.Api;

namespace Hanbae.Bench.Scheduler;

/// <summary>What a scheduler works against here: an API server, or as good as none.</summary>
interface IBackend : IAsyncDisposable
{
    int Bound { get; }
    int Deleted { get; }
    int Refusals { get; }

    /// <summary>Makes an object; done when it is written.</summary>
    Task AddAsync<T>(T obj) where T : class, IObject<T>;
    Task RemoveAsync<T>(T obj) where T : class, IObject<T>;
    /// <summary>Lets the scheduler begin.</summary>
    Task StartAsync(Action<TimeSpan> decided);
    /// <summary>Counts from now on; done when so many more Pods are bound, as a client sees it.</summary>
    Task ExpectAsync(int pods);
}
