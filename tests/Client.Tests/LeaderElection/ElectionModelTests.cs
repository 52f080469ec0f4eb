using System.Runtime.CompilerServices;
using Hanbae.Api;
using Hanbae.Api.Coordination.V1;
using Hanbae.Api.Rest;
using Hanbae.Kit;

namespace Hanbae.Client.Tests.LeaderElection;

/// <summary>Elections over a network that delays and loses requests and answers, among machines whose clocks disagree: two never lead at once.</summary>
/// <remarks>Clocks run at 0.85 to 1.15 of time: the fastest outruns the slowest by less than lease duration outruns renew deadline (1.5).</remarks>
public sealed class ElectionModelTests
{
    static readonly Key s_lease = new("kube-system", "job");
    static readonly TimeSpan s_step = TimeSpan.FromMilliseconds(250);

    /// <summary>One machine: its clock, its line to the server, its elector.</summary>
    sealed class Candidate : IApiTransport
    {
        readonly FakeApi _api;
        readonly SkewedTime _line;
        readonly Random _random;
        volatile bool _leads;

        public Candidate(string name, FakeApi api, FakeTime time, Random random)
        {
            (Name, _api, _line, _random) = (name, api, new(time, 1), random);
            Clock = new(time, 0.85 + 0.3 * random.NextDouble());
            // What a leader gives back it gives back in good order: what is to be seen here is what happens without.
            Elector = new(new ApiClient(this, Clock), s_lease, name, Clock, new() { ReleaseOnEnd = false });
        }

        public string Name { get; }
        public SkewedTime Clock { get; }
        public LeaderElector Elector { get; }
        public bool Leads => _leads;
        /// <summary>How bad the line is, from 0 to 1.</summary>
        public double Trouble { get; set; }
        /// <summary>What the server was told, by all, for whoever has to find out.</summary>
        public required System.Collections.Concurrent.ConcurrentQueue<string> Trace { get; init; }

        public async Task RunAsync(CancellationToken ct)
        {
            while (!ct.IsCancellationRequested)
                await Elector.RunAsync(async leading =>
                {
                    _leads = true;
                    var end = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                    using var told = leading.Register(() => { _leads = false; end.SetResult(); });
                    await end.Task;
                }, ct);
        }

        /// <summary>Waits for time alone: a follower for its turn or an answer, a leader for its turn or an answer and for its deadline.</summary>
        public bool AtRest => Elector.IsLeader == _leads && Clock.Pending + _line.Pending == (_leads ? 2 : 1);

        public async ValueTask<ApiResult> SendAsync(ApiRequest request, CancellationToken ct)
        {
            await LagAsync(ct);
            if (_random.NextDouble() < Trouble / 3) throw new HttpRequestException("the request was lost");
            var answer = await _api.SendAsync(request, CancellationToken.None);
            Trace.Enqueue($"{_line.GetTimestamp() / 1e7:F2} {Name} {request.Method}: {answer.Code} {(answer.Object as Lease)?.Spec.HolderIdentity} sees {Elector.Leader}");
            await LagAsync(ct);
            return _random.NextDouble() < Trouble / 3 ? throw new HttpRequestException("the answer was lost") : answer;
        }

        /// <summary>By the line's own clock, which the test moves.</summary>
        async Task LagAsync(CancellationToken ct)
        {
            double seconds = 0.05 + (_random.NextDouble() < Trouble ? 8 * _random.NextDouble() : 0);
            var over = new TaskCompletionSource();
            using var timer = _line.CreateTimer(_ => over.TrySetResult(), null, TimeSpan.FromSeconds(seconds), Timeout.InfiniteTimeSpan);
            using var ended = ct.Register(() => over.TrySetCanceled(ct));
            await over.Task;
        }

        public async IAsyncEnumerable<ApiEvent> WatchAsync(ApiRequest request, [EnumeratorCancellation] CancellationToken ct)
        {
            await Task.CompletedTask;
            yield break;
        }

        public ValueTask<Stream> StreamAsync(ApiRequest request, CancellationToken ct) => throw new NotSupportedException();
    }

    [Fact]
    public async Task Two_never_lead_at_once_and_there_is_a_leader_again()
    {
        int first = Environment.TickCount;
        for (int seed = first; seed < first + 8; seed++)
            try { await RunAsync(new Random(seed)); }
            catch (Exception e) { throw new InvalidOperationException($"seed {seed}: {e.Message}", e); }
    }

    static async Task RunAsync(Random random)
    {
        var time = new FakeTime();
        var api = new FakeApi(time);
        var trace = new System.Collections.Concurrent.ConcurrentQueue<string>();
        Candidate[] candidates = [.. Enumerable.Range(0, 3).Select(i => new Candidate($"candidate-{i}", api, time, new Random(random.Next())) { Trace = trace })];
        using var stop = new CancellationTokenSource();
        Task[] runs = [.. candidates.Select(c => Task.Run(() => c.RunAsync(stop.Token)))];
        var leaders = new HashSet<string>();
        int taken = 0;
        try
        {
            for (int step = 0; step < 1600; step++)
            {
                bool calm = step > 1440;
                if (random.Next(40) == 0) foreach (var c in candidates) c.Trouble = calm ? 0 : random.Next(3) * 0.4;
                if (calm) foreach (var c in candidates) c.Trouble = 0;
                // Somebody sets the clocks, takes the Lease away, or takes it for himself.
                if (random.Next(60) == 0) candidates[random.Next(3)].Clock.Off = TimeSpan.FromHours(random.Next(-1000, 1000));
                // (One who never saw a holder cannot know that there was one; nor can one who missed all between two times.)
                if (!calm && step > taken + 240 && random.Next(100) == 0 && candidates.All(c => c.Elector.Leader.Length > 0))
                {
                    trace.Enqueue("the Lease is taken away");
                    taken = step;
                    api.Remove<Lease>(s_lease.Name, s_lease.Namespace);
                }
                if (!calm && random.Next(200) == 0)
                {
                    trace.Enqueue("a thief");
                    api.Change<Lease>(s_lease.Name, l => l with { Spec = l.Spec with { HolderIdentity = "a thief", LeaseDurationSeconds = 15, RenewTime = time.GetUtcNow() } }, s_lease.Namespace);
                }
                time.Advance(s_step);
                await RestAsync(candidates, step);
                var leading = candidates.Where(c => c.Leads).Select(c => c.Name).ToList();
                Assert.True(leading.Count < 2, $"{string.Join(" and ", leading)} lead at once, in step {step}:\n{string.Join('\n', trace.TakeLast(40))}");
                leaders.UnionWith(leading);
            }
            Assert.Single(candidates, c => c.Leads);
            Assert.NotEmpty(leaders);
        }
        finally
        {
            await stop.CancelAsync();
            await Task.WhenAll(runs).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    static async Task RestAsync(Candidate[] candidates, int step)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (!candidates.All(c => c.AtRest))
        {
            Assert.False(limit.IsCancellationRequested, $"step {step}: no rest: {string.Join(", ", candidates.Select(c => $"{c.Leads} {c.Elector.IsLeader} {c.Clock.Pending}"))}");
            await Task.Yield();
        }
    }

    [Fact]
    public void Options_that_let_two_lead_are_refused()
    {
        var client = new ApiClient(new ScriptedTransport());
        foreach (var wrong in (LeaderElectionOptions[])[new() { LeaseDuration = TimeSpan.FromSeconds(10) }, new() { RetryPeriod = TimeSpan.FromSeconds(9) }, new() { LeaseDuration = TimeSpan.FromMilliseconds(10) }])
            Assert.Throws<ArgumentException>(() => new LeaderElector(client, s_lease, "me", TimeProvider.System, wrong));
    }
}
