using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Runtime.ExceptionServices;
using Hanbae.Api;
using Hanbae.Api.Batch.V1;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Rest;
using Hanbae.Client;
using Hanbae.Controllers.Ownership;
using Hanbae.Controllers.Pods;

namespace Hanbae.Controllers.Jobs;

/// <summary>Runs each Job's Pods until enough of them have succeeded, or too many have failed.</summary>
sealed class Run(IClusterAccess cluster) : IReconciler
{
    /// <summary>Keys of Pods that lost their Job but not its finalizer; no Job has such a name.</summary>
    const string Orphan = "pod/";
    const string TrackedFor = "tracked for the job";
    const string Itself = "kubernetes.io/job-controller";

    readonly IClient _client = cluster.Client;
    readonly ICache<Job> _jobs = cluster.Cache<Job>();
    readonly ICache<Pod> _pods = cluster.Cache<Pod>();
    readonly PodWork _work = new(cluster);
    readonly JobBackoff _failures = new();

    public void Watch(Triggers on)
    {
        _pods.IndexControllers();
        _pods.AddIndex(TrackedFor, static p => JobPod.IsTracked(p) && p.Controller is { Kind: "Job", ApiVersion: "batch/v1" } owner ? [p.Metadata.Namespace + "/" + owner.Name] : []);
        on.Each(_jobs).Needs(_pods)
            .From(new PodWatch<Job>(_jobs, _pods, j => j.Spec.Selector).Subscribe)
            .From(add => _pods.Subscribe(e => OnPod(e, add)));
    }

    public async Task<Again> ReconcileAsync(Key key, CancellationToken ct)
    {
        if (key.Name.StartsWith(Orphan, StringComparison.Ordinal)) { await ReleaseAsync(new(key.Namespace, key.Name[Orphan.Length..]), ct); return Again.OnChange; }
        if (_jobs.Find(key) is not { } job) { await ForgetAsync(key, ct); return Again.OnChange; }
        if (IsElsewhere(job)) return Again.OnChange;
        // It has no use for its Pods any more: none may be held up by it.
        if (job.IsFinished()) { await ForgetAsync(key, ct); return Again.OnChange; }

        var now = cluster.Time.GetUtcNow();
        var pods = await Claim.AllAsync(_client, job, job.Spec.Selector.ToSelector(), _pods, ct, JobPod.Finalizer);
        var started = job.Status.StartTime is null && !job.IsSuspended() ? job with { Status = job.Status with { StartTime = now } } : job;
        var view = new JobView(started, pods, _failures.Of(key), now);

        var (status, end, failure, retryAt) = view.End is { } reason ? await EndAsync(view, reason, ct) : await WorkAsync(view, ct);
        ct.ThrowIfCancellationRequested();
        await AccountAsync(job, view, JobAccount.For(view, status, end), ct);

        if (failure is not null && !Refusal.IsNamespaceTerminating(failure)) ExceptionDispatchInfo.Throw(failure);
        var deadline = end is null ? view.Deadline : null;
        return (retryAt < deadline ? retryAt : deadline ?? retryAt) is { } at ? Again.At(at) : Again.OnChange;
    }

    /// <summary>Everything stops: the Pods' finalizers stay until they are counted.</summary>
    async Task<(JobStatus, JobCondition?, Exception?, DateTimeOffset?)> EndAsync(JobView view, JobCondition end, CancellationToken ct)
    {
        var failure = await _work.DeleteAsync(view.Job, view.Active, ct);
        // Pods that could not be deleted would be left behind: the end has to wait.
        return (Counted(view, failure is null ? [] : view.Active, view.Terminating + (failure is null ? view.Active.Length : 0)), failure is null ? end : null, failure, null);
    }

    async Task<(JobStatus, JobCondition?, Exception?, DateTimeOffset?)> WorkAsync(JobView view, CancellationToken ct)
    {
        var job = view.Job;
        // One that is being deleted makes no more, but what it has may still complete it.
        var plan = job.IsBeingDeleted ? JobWork.None : JobWork.For(view);
        int made = 0;
        var failure = (await UntrackAsync(plan.Delete, ct)).Error ?? await _work.DeleteAsync(job, plan.Delete, ct);
        if (failure is null) (failure, made) = await _work.CreateAsync(job, plan.Create, ct);
        var left = failure is null ? [.. view.Active.Except(plan.Delete)] : view.Active;
        var status = Counted(view, left, view.Terminating + view.Active.Length - left.Length) with { Active = left.Length + made };

        bool complete = status.Active == 0 && (job.Spec.Completions is { } completions ? view.Succeeded >= completions : view.Succeeded > 0);
        if (complete)
            return (status, JobConditions.New(JobConditions.SuccessCriteriaMet, "CompletionsReached", "Reached expected number of succeeded pods", view.Now), failure, null);
        return (job.IsBeingDeleted ? status : Suspension(job, status, view.Now), null, failure, plan.RetryAt);
    }

    JobStatus Suspension(Job job, JobStatus status, DateTimeOffset now)
    {
        bool suspended = job.IsSuspended();
        var conditions = status.Conditions.Say(suspended
            ? JobConditions.New(JobConditions.Suspended, "JobSuspended", "Job suspended", now)
            : JobConditions.New(JobConditions.Suspended, "JobResumed", "Job resumed", now, "False"));
        if (conditions == status.Conditions) return status;
        cluster.Recorder.Event(job, "Normal", suspended ? "Suspended" : "Resumed", suspended ? "Job suspended" : "Job resumed");
        // The time that a Job may take is that of its being active without a break. While it is not it has none: what it asks for may be changed (KEP-5440).
        return status with { Conditions = conditions, StartTime = suspended ? null : now };
    }

    static JobStatus Counted(JobView view, ImmutableArray<Pod> active, int terminating) => view.Job.Status with
    {
        Active = active.Length, Ready = active.Count(p => p.IsReady), Terminating = terminating,
        UncountedTerminatedPods = view.Job.Status.UncountedTerminatedPods ?? new(),
    };

    /// <summary>Writes the account down, takes the finalizers, and adds up.</summary>
    async Task AccountAsync(Job job, JobView view, JobAccount account, CancellationToken ct)
    {
        var key = Key.Of(job);
        job = await _client.UpdateStatusIfChangedAsync(job, job with { Status = account.Status }, ct);
        _failures.Set(key, view.Failures);
        var (failure, let) = await UntrackAsync(account.Untrack, ct);
        var tracked = view.Pods.Where(JobPod.IsTracked).Select(p => p.Metadata.Uid).Except(let).ToHashSet();
        var sum = JobAccount.Sum(job.Status, tracked);
        var status = failure is null ? account.Ended(sum) : sum;
        if ((await _client.UpdateStatusIfChangedAsync(job, job with { Status = status }, ct)).IsFinished()) Tell(job, account.End!, status);
        if (failure is not null) ExceptionDispatchInfo.Throw(failure);
    }

    void Tell(Job job, JobCondition end, JobStatus status)
    {
        if (end.Type == JobConditions.Failed) { cluster.Recorder.Event(job, "Warning", end.Reason, end.Message); return; }
        if (status.Succeeded > job.Spec.Completions)
            cluster.Recorder.Event(job, "Warning", "TooManySucceededPods", "Too many succeeded pods running after completion count reached");
        cluster.Recorder.Event(job, "Normal", "Completed", "Job completed");
    }

    /// <returns>The first failure, and the uids of those that were let go of.</returns>
    async Task<(Exception? Error, IReadOnlyCollection<string> Uids)> UntrackAsync(ImmutableArray<Pod> pods, CancellationToken ct)
    {
        var let = new ConcurrentBag<string>();
        var error = await SlowStart.AllAsync(pods.Where(JobPod.IsTracked), async pod =>
        {
            try { await _client.PatchAsync<Pod>(Key.Of(pod), Tracking.End(pod), ct); }
            catch (ApiException e) when (e.IsNotFound) { }
            let.Add(pod.Metadata.Uid);
        });
        return (error, let);
    }

    /// <summary>Somebody else runs it (KEP-4368).</summary>
    static bool IsElsewhere(Job job) => job.Spec.ManagedBy is { } other && other != Itself;

    /// <summary>The Job is gone, or has ended: so are the reasons to keep its Pods from vanishing.</summary>
    async Task ForgetAsync(Key key, CancellationToken ct)
    {
        var pods = _pods.ByIndex(TrackedFor, key.Namespace + "/" + key.Name);
        // Pods may be seen before their Job: to let go of one that runs would be to lose count of it.
        var unseen = pods.Count > 0 && _jobs.Find(key) is null ? await _client.FindAsync<Job>(key, ct) : null;
        foreach (var pod in pods)
            if (unseen is null || unseen.Metadata.Uid != pod.Controller?.Uid || unseen.IsFinished() && !IsElsewhere(unseen)) await ReleaseAsync(Key.Of(pod), ct);
        _failures.Forget(key);
    }

    /// <summary>Takes the finalizer from a Pod that has no Job which will count it, unless one adopted it meanwhile.</summary>
    async Task ReleaseAsync(Key key, CancellationToken ct)
    {
        if (_pods.Find(key) is not { } pod || !JobPod.IsTracked(pod)) return;
        if (pod.Controller is { } owner
            && (owner is not { Kind: "Job", ApiVersion: "batch/v1" }
                || _jobs.Find(new(key.Namespace, owner.Name)) is { } job && job.Metadata.Uid == owner.Uid && (!job.IsFinished() || IsElsewhere(job)))) return;
        // One that would adopt it is awake already, and would lose it to us.
        if (pod.Controller is null && !pod.IsBeingDeleted
            && _jobs.MayChoose(key.Namespace, pod.Metadata.Labels).Any(j => !j.IsBeingDeleted && !j.IsFinished() && j.Spec.Selector.ToSelector().Matches(pod.Metadata.Labels))) return;
        try { await _client.PatchAsync<Pod>(key, Tracking.End(pod, asSeen: true), ct); }
        // What changed meanwhile is seen again.
        catch (ApiException e) when (e.IsNotFound || e.IsConflict || e.Code == 422) { }
    }

    void OnPod(CacheEvent<Pod> e, Action<Key> add)
    {
        if (e.New is { } pod && JobPod.IsTracked(pod) && pod.Controller is null) add(new(pod.Metadata.Namespace, Orphan + pod.Metadata.Name));
    }
}
