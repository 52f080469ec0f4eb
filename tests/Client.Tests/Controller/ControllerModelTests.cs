using System.Collections.Concurrent;
using Hanbae.Api;
using Hanbae.Api.Apps.V1;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Rest;
using Hanbae.Client.Tests.Faults;
using Hanbae.Kit;

namespace Hanbae.Client.Tests.Controller;

/// <summary>Controllers under fire: conflicts, failures, changes all the time.</summary>
public sealed class ControllerModelTests
{
    static readonly TimeSpan s_soon = TimeSpan.FromSeconds(60);
    static readonly RetryOptions s_soonAgain = new() { Longest = TimeSpan.FromMilliseconds(20), PerSecond = 100_000 };

    /// <summary>A FakeApi and what a controller needs to work on it.</summary>
    sealed class Rig : IAsyncDisposable
    {
        readonly CancellationTokenSource _stop = new();
        readonly List<Task> _running = [];
        readonly InformerFactory _informers;

        public Rig()
        {
            _informers = new(Api, Time);
            Access = new(Api, _informers, "test", Time);
        }

        public FakeApi Api { get; } = new();
        public Impatient Time { get; } = new();
        public ClusterAccess Access { get; }

        public void Run(Client.Controller controller)
        {
            _running.Add(_informers.RunAsync(_stop.Token));
            _running.Add(controller.RunAsync(_stop.Token));
        }

        public async ValueTask DisposeAsync()
        {
            await _stop.CancelAsync();
            await Task.WhenAll(_running);
            _stop.Dispose();
        }
    }

    static void PrintSeed(int seed, Exception e) => throw new InvalidOperationException($"seed {seed}: {e.Message}", e);

    [Fact]
    public async Task One_key_is_never_worked_on_twice_at_once_and_none_is_lost()
    {
        int seed = Environment.TickCount;
        try
        {
            var random = new Random(seed);
            await using var rig = new Rig();
            var working = new ConcurrentDictionary<Key, int>();
            var last = new ConcurrentDictionary<Key, string>();
            int twice = 0, calls = 0;
            var changed = new SemaphoreSlim(0);
            var cache = rig.Access.Cache<ConfigMap>();
            rig.Run(Client.Controller.For<ConfigMap>(rig.Access).WithWorkers(8).WithRetries(s_soonAgain).ReconcileKey(async (key, ct) =>
            {
                if (working.AddOrUpdate(key, 1, (_, n) => n + 1) > 1) Interlocked.Increment(ref twice);
                int call = Interlocked.Increment(ref calls);
                try
                {
                    string seen = cache.Find(key)?.Metadata.ResourceVersion ?? "gone";
                    await Task.Yield();
                    if (call % 5 == 0) throw new InvalidOperationException("told so");
                    last[key] = seen;
                    changed.Release();
                    return (call % 7) switch { 0 => Again.WithBackoff, 1 => Again.In(TimeSpan.FromSeconds(1)), _ => Again.OnChange };
                }
                finally { working.AddOrUpdate(key, 0, (_, n) => n - 1); }
            }));
            for (int i = 0; i < 3000; i++)
            {
                string name = "m" + random.Next(20);
                if (random.Next(6) == 0) rig.Api.Remove<ConfigMap>(name);
                else rig.Api.Put(Make.Map(name, value: $"{i}"));
                if (random.Next(10) == 0) await Task.Yield();
            }
            // Whatever was seen on the way: of every object that ever was, the end is seen.
            bool Done() => Enumerable.Range(0, 20).All(i => last.GetValueOrDefault(new("default", "m" + i)) == (rig.Api.Find<ConfigMap>("m" + i)?.Metadata.ResourceVersion ?? "gone"));
            using var limit = new CancellationTokenSource(s_soon);
            while (!Done()) await changed.WaitAsync(limit.Token);
            Assert.Equal(0, twice);
        }
        catch (Exception e) { PrintSeed(seed, e); }
    }

    [Fact]
    public async Task A_storm_of_conflicts_and_refusals_ends_in_the_state_that_is_asked_for()
    {
        int seed = Environment.TickCount;
        try
        {
            var random = new Random(seed);
            await using var rig = new Rig();
            bool storm = true;
            rig.Api.Intercept = request =>
            {
                if (!Volatile.Read(ref storm) || request.Method == "GET") return null;
                int dice;
                lock (random) dice = random.Next(10);
                return dice switch
                {
                    < 6 => new() { Code = 409, Object = Make.Error(409, "Conflict") },
                    6 => new() { Code = 503, Object = Make.Error(503, "ServiceUnavailable") },
                    7 => new() { Code = 429, Object = Make.Error(429, "TooManyRequests") with { Details = new() { RetryAfterSeconds = 1 } } },
                    8 => throw new HttpRequestException("the line broke"),
                    _ => null,
                };
            };
            var deployments = rig.Access.Cache<Deployment>();
            rig.Run(Client.Controller.For<ConfigMap>(rig.Access).Owns<Deployment>().WithRetries(s_soonAgain).Reconcile(async (map, ct) =>
            {
                int wanted = int.Parse(map.Data["value"] ?? "0");
                if (deployments.Find(Key.Of(map)) is not { } there)
                    await rig.Access.Client.CreateAsync(new Deployment { Metadata = new() { Name = map.Metadata.Name, Namespace = map.Metadata.Namespace }, Spec = new() { Replicas = wanted } }.OwnedBy(map), ct);
                else if (there.Spec.Replicas != wanted) await rig.Access.Client.UpdateAsync(there with { Spec = there.Spec with { Replicas = wanted } }, ct);
                return Again.OnChange;
            }));
            for (int i = 0; i < 200; i++)
            {
                rig.Api.Put(Make.Map("m" + random.Next(5), value: $"{i}"));
                // Somebody meddles with what is owned.
                if (i % 10 == 0 && rig.Api.All<Deployment>().FirstOrDefault() is { } victim) rig.Api.Change<Deployment>(victim.Metadata.Name, d => d with { Spec = d.Spec with { Replicas = -1 } });
                await Task.Yield();
            }
            Volatile.Write(ref storm, false);
            await rig.Api.UntilAsync(api => api.All<ConfigMap>().All(m => api.Find<Deployment>(m.Metadata.Name)?.Spec.Replicas == int.Parse(m.Data["value"]!)), "every Deployment is as its map says", s_soon);
        }
        catch (Exception e) { PrintSeed(seed, e); }
    }

    [Fact]
    public async Task What_has_a_finalizer_goes_when_it_is_cleaned_up_and_not_before()
    {
        await using var rig = new Rig();
        var cleaning = new TaskCompletionSource();
        var clean = new TaskCompletionSource();
        int failures = 2;
        rig.Run(Client.Controller.For<ConfigMap>(rig.Access).WithFinalizer("example.com/outside", async (map, ct) =>
        {
            cleaning.TrySetResult();
            await clean.Task.WaitAsync(ct);
            if (failures-- > 0) throw new InvalidOperationException("told so");
        }).Reconcile((map, _) =>
        {
            Assert.True(map.HasFinalizer("example.com/outside"));
            return Task.FromResult(Again.OnChange);
        }));
        rig.Api.Put(Make.Map("a"));
        await rig.Api.UntilAsync(api => api.Find<ConfigMap>("a")!.HasFinalizer("example.com/outside"), "the finalizer is there", s_soon);
        await rig.Access.Client.DeleteAsync<ConfigMap>(new("default", "a"), new(), CancellationToken.None);
        await cleaning.Task.WaitAsync(s_soon);
        Assert.NotNull(rig.Api.Find<ConfigMap>("a"));
        clean.SetResult();
        await rig.Api.UntilAsync(api => api.Find<ConfigMap>("a") is null, "it is gone", s_soon);
        Assert.Equal(-1, failures);
    }

    [Fact]
    public async Task Of_two_instances_the_one_with_the_Lease_works()
    {
        var api = new FakeApi();
        var workers = new ConcurrentDictionary<string, int>();
        var seen = new SemaphoreSlim(0);
        var time = TimeProvider.System;
        using var stop = new CancellationTokenSource();
        using var stopFirst = CancellationTokenSource.CreateLinkedTokenSource(stop.Token);
        // These keep to the real clock: who leads is a matter of time.
        var informers = new InformerFactory(api, time);
        Client.Controller Real(string name) => Client.Controller.For<ConfigMap>(new ClusterAccess(api, informers, name, time)).WithLeaderElection(new("default", "operator"), name, new() { RetryPeriod = TimeSpan.FromMilliseconds(50) }).ReconcileKey((_, _) =>
        {
            workers.AddOrUpdate(name, 1, (_, n) => n + 1);
            seen.Release();
            return Task.FromResult(Again.OnChange);
        });
        api.Put(Make.Map("a"));
        var running = informers.RunAsync(stop.Token);
        var first = Real("first").RunAsync(stopFirst.Token);
        await seen.WaitAsync(s_soon);
        var second = Real("second").RunAsync(stop.Token);
        api.Put(Make.Map("b"));
        await seen.WaitAsync(s_soon);
        Assert.Equal(["first"], workers.Keys);
        // The first goes in good order, and the second need not wait for the Lease's end.
        await stopFirst.CancelAsync();
        await first;
        await seen.WaitAsync(s_soon);
        Assert.Contains("second", workers.Keys);
        await stop.CancelAsync();
        await Task.WhenAll(second, running);
    }
}
