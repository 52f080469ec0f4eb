using Hanbae.Api;
using Hanbae.Api.Coordination.V1;
using Hanbae.Kit;

namespace Hanbae.Client.Tests.LeaderElection;

public sealed class LeaderElectorTests : IDisposable
{
    const string Get = "GET /apis/coordination.k8s.io/v1/namespaces/kube-system/leases/scheduler";
    const string Put = "PUT /apis/coordination.k8s.io/v1/namespaces/kube-system/leases/scheduler";
    const string Post = "POST /apis/coordination.k8s.io/v1/namespaces/kube-system/leases";

    readonly ScriptedTransport _server = new();
    readonly FakeTime _time = new();
    readonly CancellationTokenSource _stop = new();
    readonly TaskCompletionSource _leads = new(TaskCreationOptions.RunContinuationsAsynchronously);
    readonly LeaderElector _elector;
    Lease _lease = new() { Metadata = new() { Namespace = "kube-system", Name = "scheduler", ResourceVersion = "1" } };

    public LeaderElectorTests() => _elector = new(new ApiClient(_server, _time), new("kube-system", "scheduler"), "me", _time);

    public void Dispose() => _stop.Dispose();

    Task Run() => _elector.RunAsync(async ct =>
    {
        _leads.SetResult();
        try { await Task.Delay(Timeout.Infinite, ct); } catch (OperationCanceledException) { }
    }, _stop.Token);

    void HeldBy(string holder, int transitions = 3) => _lease = _lease with
    {
        Spec = new() { HolderIdentity = holder, LeaseDurationSeconds = 15, LeaseTransitions = transitions, RenewTime = _time.GetUtcNow().AddDays(-100) },
    };

    async Task<Lease> AcceptAsync(string line)
    {
        var write = await _server.ExpectAsync(line);
        var sent = (Lease)write.Request.Object!;
        write.Answer(_lease = sent with { Metadata = _lease.Metadata });
        return sent;
    }

    async Task StopAsync(Task run)
    {
        await _stop.CancelAsync();
        (await _server.ExpectAsync(Get)).Answer(_lease);
        var released = await AcceptAsync(Put);
        Assert.Equal(("", 1), (released.Spec.HolderIdentity, released.Spec.LeaseDurationSeconds));
        await run;
    }

    [Fact]
    public async Task A_lease_that_is_not_there_is_made_renewed_and_released()
    {
        var run = Run();
        (await _server.ExpectAsync(Get)).Refuse(404, "NotFound");
        var made = await AcceptAsync(Post);
        Assert.Equal(("me", 15, 0), (made.Spec.HolderIdentity, made.Spec.LeaseDurationSeconds, made.Spec.LeaseTransitions));
        await _leads.Task;
        // The leader knows what it wrote: it renews without reading.
        var renewed = await AcceptAsync(Put);
        Assert.Equal(made.Spec.AcquireTime, renewed.Spec.AcquireTime);
        await _time.WhenSetAsync(2);
        _time.Advance(TimeSpan.FromSeconds(2));
        renewed = await AcceptAsync(Put);
        Assert.Equal(made.Spec.AcquireTime + TimeSpan.FromSeconds(2), renewed.Spec.RenewTime);
        Assert.True(_elector.IsLeader);
        await StopAsync(run);
        Assert.False(_elector.IsLeader);
    }

    [Fact]
    public async Task Anothers_lease_is_taken_when_it_did_not_change_for_its_duration_whatever_its_clock_says()
    {
        HeldBy("other");
        var run = Run();
        var waited = TimeSpan.Zero;
        while (waited < TimeSpan.FromSeconds(15))
        {
            (await _server.ExpectAsync(Get)).Answer(_lease);
            await _time.WhenSetAsync();
            Assert.Equal("other", _elector.Leader);
            waited += _time.AdvanceToNext();
        }
        (await _server.ExpectAsync(Get)).Answer(_lease);
        var taken = await AcceptAsync(Put);
        Assert.Equal(("me", 4), (taken.Spec.HolderIdentity, taken.Spec.LeaseTransitions));
        await _leads.Task;
        await AcceptAsync(Put);
        await StopAsync(run);
    }

    [Fact]
    public async Task A_leader_that_cannot_renew_stops_before_its_lease_ends()
    {
        HeldBy("");
        var run = Run();
        (await _server.ExpectAsync(Get)).Answer(_lease);
        await AcceptAsync(Put);
        await _leads.Task;
        var began = _time.GetUtcNow();
        (await _server.ExpectAsync(Put)).Result.SetException(new HttpRequestException("away"));
        for (int i = 0; i < 4; i++)
        {
            await _time.WhenSetAsync(2);
            _time.Advance(TimeSpan.FromSeconds(2));
            (await _server.ExpectAsync(Get)).Result.SetException(new HttpRequestException("away"));
        }
        await _time.WhenSetAsync(2);
        _time.Advance(TimeSpan.FromSeconds(2));
        // It tries to give the lease away, in vain, and leaves all the same.
        (await _server.ExpectAsync(Get)).Result.SetException(new HttpRequestException("away"));
        await run;
        Assert.Equal(TimeSpan.FromSeconds(10), _time.GetUtcNow() - began);
        Assert.False(_elector.IsLeader);
    }

    [Fact]
    public async Task Who_works_on_though_the_lease_has_run_out_is_overdue()
    {
        HeldBy("");
        var hangs = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var run = _elector.RunAsync(_ => { _leads.SetResult(); return hangs.Task; }, _stop.Token);
        (await _server.ExpectAsync(Get)).Answer(_lease);
        await AcceptAsync(Put);
        await _leads.Task;
        await AcceptAsync(Put);
        await _time.WhenSetAsync(2);
        // Told to stop, it does not: to the server it looks dead, to itself it leads.
        await _stop.CancelAsync();
        _time.Advance(TimeSpan.FromSeconds(15 + 20));
        Assert.Null(_elector.Overdue(TimeSpan.FromSeconds(20)));
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal("failed election to renew leadership on lease scheduler", _elector.Overdue(TimeSpan.FromSeconds(20)));
        hangs.SetResult();
        (await _server.ExpectAsync(Get)).Answer(_lease);
        await AcceptAsync(Put);
        await run;
        Assert.Null(_elector.Overdue(TimeSpan.FromSeconds(20)));
    }
}
