using System.Collections.Immutable;
using Hanbae.Api;
using Hanbae.Api.Batch.V1;
using Hanbae.Api.Core.V1;
using Hanbae.Controllers.Ownership;
using Hanbae.Controllers.Pods;

namespace Hanbae.Controllers.Jobs;

/// <summary>A Job and its Pods as they stand: what has ended, what counts, and whether that is the end of the Job.</summary>
sealed class JobView
{
    readonly HashSet<string> _succeededBefore, _failedBefore;

    public Job Job { get; }
    public ImmutableArray<Pod> Pods { get; }
    public DateTimeOffset Now { get; }
    public ImmutableArray<Pod> Active { get; }
    public int Terminating { get; }
    public ImmutableArray<Pod> NewSucceeded { get; }
    public ImmutableArray<Pod> NewFailed { get; }
    /// <summary>All that succeeded: Pods, or indexes of an indexed Job.</summary>
    public int Succeeded { get; }
    public int Failed { get; }
    public Failures Failures { get; }
    public Intervals SucceededBefore { get; }
    public Intervals SucceededIndexes { get; }
    /// <summary>Null when failures are not counted by index.</summary>
    public Intervals? FailedIndexes { get; }
    /// <summary>The last failed Pod of each index that shall have another: it stays until that has taken over its count.</summary>
    public IReadOnlyDictionary<int, Pod> Awaiting { get; } = ImmutableDictionary<int, Pod>.Empty;
    /// <summary>Why the Job ends now, whatever its Pods do; null when it goes on.</summary>
    public JobCondition? End { get; }

    /// <param name="failures">Those before.</param>
    public JobView(Job job, ImmutableArray<Pod> pods, Failures failures, DateTimeOffset now)
    {
        (Job, Pods, Now) = (job, pods, now);
        var uncounted = job.Status.UncountedTerminatedPods;
        (_succeededBefore, _failedBefore) = ([.. uncounted?.Succeeded ?? default], [.. uncounted?.Failed ?? default]);
        Active = [.. pods.Where(p => p.IsActive)];
        Terminating = pods.Count(p => p.IsTerminating);
        NewSucceeded = [.. pods.Where(p => p.Status.Phase == "Succeeded" && IsNew(p, _succeededBefore))];
        NewFailed = [.. pods.Where(p => JobPod.HasFailed(job, p) && IsNew(p, _failedBefore))];
        Succeeded = job.Status.Succeeded + NewSucceeded.Length + _succeededBefore.Count;
        Failed = job.Status.Failed + NewFailed.Count(p => Policies.Of(job.Spec.PodFailurePolicy, p).Counts) + _failedBefore.Count;
        Failures = failures.With(NewSucceeded, NewFailed, now);
        if (job.IsIndexed())
        {
            int completions = Completions;
            SucceededBefore = Intervals.Parse(job.Status.CompletedIndexes, completions);
            SucceededIndexes = SucceededBefore.With(pods.Where(p => p.Status.Phase == "Succeeded" && JobPod.IsTracked(p) && IsValid(p)).Select(p => JobPod.IndexOf(p)!.Value));
            Succeeded = SucceededIndexes.Count;
            if (job.Spec.BackoffLimitPerIndex is { } limit)
            {
                FailedIndexes = Intervals.Parse(job.Status.FailedIndexes, completions)
                    .With(pods.Where(p => JobPod.HasFailed(job, p) && JobPod.IsTracked(p) && IsValid(p) && EndsIndex(p, limit)).Select(p => JobPod.IndexOf(p)!.Value));
                Awaiting = FindAwaiting();
            }
        }
        End = FindEnd();
    }

    public int Completions => Job.Spec.Completions ?? 0;
    public int Parallelism => Job.Spec.Parallelism ?? 1;

    public bool WasSucceeded(Pod pod) => _succeededBefore.Contains(pod.Metadata.Uid);
    public bool WasFailed(Pod pod) => _failedBefore.Contains(pod.Metadata.Uid);

    /// <summary>Its index is one of the Job's.</summary>
    public bool IsValid(Pod pod) => !Job.IsIndexed() || JobPod.IndexOf(pod) is { } index && index < Completions;

    bool IsNew(Pod pod, HashSet<string> known) => JobPod.IsTracked(pod) && !known.Contains(pod.Metadata.Uid) && IsValid(pod);

    bool EndsIndex(Pod pod, int limit)
    {
        var verdict = Policies.Of(Job.Spec.PodFailurePolicy, pod);
        return verdict.Action == "FailIndex" || verdict.Counts && JobPod.FailuresBefore(pod) >= limit;
    }

    Dictionary<int, Pod> FindAwaiting()
    {
        var running = Active.Select(JobPod.IndexOf).ToHashSet();
        var last = new Dictionary<int, Pod>();
        foreach (var pod in Pods)
            if (JobPod.HasFailed(Job, pod) && JobPod.IsTracked(pod) && IsValid(pod) && JobPod.IndexOf(pod) is { } index
                && !running.Contains(index) && !SucceededIndexes.Contains(index) && !FailedIndexes!.Value.Contains(index)
                && (!last.TryGetValue(index, out var known) || Rank(known).CompareTo(Rank(pod)) <= 0)) last[index] = pod;
        return last;

        // Of several failures the last one counts: from its end the next start is put off.
        (int, DateTimeOffset) Rank(Pod pod) => (JobPod.AllFailures(pod), JobPod.EndOf(pod, Now));
    }

    JobCondition? FindEnd()
    {
        var conditions = Job.Status.Conditions;
        // What was decided stays decided.
        if (conditions.Find(c => c is { Type: JobConditions.SuccessCriteriaMet, Status: "True" }) is { } met) return met;
        if (conditions.Find(c => c is { Type: JobConditions.FailureTarget, Status: "True" }) is { } target) return target;
        if (Pods.Where(p => JobPod.HasFailed(Job, p)).Select(p => Policies.Of(Job.Spec.PodFailurePolicy, p).JobFailure).FirstOrDefault(m => m is not null) is { } why)
            return Fail("PodFailurePolicy", why);
        if (Failed > (Job.Spec.BackoffLimit ?? 6) || RestartedTooOften()) return Fail("BackoffLimitExceeded", "Job has reached the specified backoff limit");
        if (Deadline <= Now) return Fail("DeadlineExceeded", "Job was active longer than specified deadline");
        if (FailedIndexes is { } failed)
        {
            if (failed.Count > Job.Spec.MaxFailedIndexes) return Fail("MaxFailedIndexesExceeded", "Job has exceeded the specified maximal number of failed indexes");
            if (failed.Count > 0 && failed.Count + SucceededIndexes.Count >= Completions) return Fail("FailedIndexes", "Job has failed indexes");
        }
        return Job.IsIndexed() && Policies.Of(Job.Spec.SuccessPolicy, SucceededIndexes, Completions) is { } message
            ? JobConditions.New(JobConditions.SuccessCriteriaMet, "SuccessPolicy", message, Now) : null;
    }

    JobCondition Fail(string reason, string message) => JobConditions.New(JobConditions.FailureTarget, reason, message, Now);

    /// <summary>When the Job will have been active for too long.</summary>
    public DateTimeOffset? Deadline =>
        Job.Spec.ActiveDeadlineSeconds is { } seconds && !Job.IsSuspended() ? Job.Status.StartTime?.AddSeconds(seconds) : null;

    /// <summary>Where Pods restart in place it is their restarts that count.</summary>
    bool RestartedTooOften()
    {
        if (Job.Spec.Template.Spec.RestartPolicy != "OnFailure") return false;
        int restarts = Pods.Where(p => p.Status.Phase is "Running" or "Pending").Sum(p => p.Status.InitContainerStatuses.Concat(p.Status.ContainerStatuses).Sum(s => s.RestartCount));
        int limit = Job.Spec.BackoffLimit ?? 6;
        return limit == 0 ? restarts > 0 : restarts >= limit;
    }
}
