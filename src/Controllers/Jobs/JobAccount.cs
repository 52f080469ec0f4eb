using System.Collections.Immutable;
using Hanbae.Api;
using Hanbae.Api.Batch.V1;
using Hanbae.Api.Core.V1;

namespace Hanbae.Controllers.Jobs;

/// <summary>Counts each Pod that ended exactly once: first its uid is written down, then its finalizer goes, then it is added to the sum.</summary>
/// <remarks>
/// KEP-2307. Whatever breaks off in between, the next look finds it: a uid without a finalizer is added, one with is tried again. An index
/// needs no uid: that it is complete can be written twice.
/// </remarks>
/// <param name="Status">To be written before any finalizer goes.</param>
/// <param name="Untrack">Pods whose finalizer goes once that is written.</param>
/// <param name="End">What the Job ends as, once all is counted; null while it goes on.</param>
/// <param name="All">Nothing was left for the next time.</param>
sealed record JobAccount(JobStatus Status, ImmutableArray<Pod> Untrack, JobCondition? End, bool All)
{
    /// <summary>Uids in the status at most: they stay below 20 kB (upstream's MaxUncountedPods).</summary>
    const int MostUncounted = 500;

    /// <param name="status">With what else changed.</param>
    /// <param name="end">Why the Job ends, if it does.</param>
    public static JobAccount For(JobView view, JobStatus status, JobCondition? end)
    {
        var job = view.Job;
        status = Sum(status, view.Pods.Where(JobPod.IsTracked).Select(p => p.Metadata.Uid).ToHashSet());
        var (succeeded, failed) = (status.UncountedTerminatedPods?.Succeeded.ToList() ?? [], status.UncountedTerminatedPods?.Failed.ToList() ?? []);
        var indexes = new List<int>();
        var untrack = ImmutableArray.CreateBuilder<Pod>();
        bool all = true, fails = end is { Type: not JobConditions.SuccessCriteriaMet };
        foreach (var pod in view.Pods.Where(JobPod.IsTracked).OrderBy(p => JobPod.IndexOf(p) ?? 0))
        {
            bool hasFailed = JobPod.HasFailed(job, pod);
            if (!MayGo(view, pod, hasFailed, end)) continue;
            untrack.Add(pod);
            if (pod.Status.Phase == "Succeeded" && !view.WasFailed(pod))
            {
                if (!job.IsIndexed()) { if (!view.WasSucceeded(pod)) succeeded.Add(pod.Metadata.Uid); }
                else if (view.IsValid(pod) && JobPod.IndexOf(pod) is { } index && !view.SucceededBefore.Contains(index)) indexes.Add(index);
            }
            // When the Job has failed, so has every Pod that has not ended.
            else if ((hasFailed || fails) && !view.WasFailed(pod) && view.IsValid(pod) && Policies.Of(job.Spec.PodFailurePolicy, pod).Counts) failed.Add(pod.Metadata.Uid);
            if (indexes.Count + succeeded.Count + failed.Count >= MostUncounted) { all = false; break; }
        }
        status = status with { UncountedTerminatedPods = Uncounted(succeeded, failed) };
        if (job.IsIndexed())
        {
            var complete = view.SucceededBefore.With(indexes);
            status = status with { Succeeded = complete.Count, CompletedIndexes = complete.ToString(), FailedIndexes = view.FailedIndexes?.ToString() };
        }
        if (end is not null) status = status with { Conditions = status.Conditions.Say(end) };
        return new(status, untrack.DrainToImmutable(), end is null ? null : Final(end, view.Now), all);
    }

    /// <summary>A finalizer may go from what succeeded, and from what failed unless its successor has yet to learn how often its index failed.</summary>
    static bool MayGo(JobView view, Pod pod, bool hasFailed, JobCondition? end) =>
        view.Job.Metadata.DeletionTimestamp is not null || end is not null || pod.Status.Phase == "Succeeded"
        || hasFailed && !(JobPod.IndexOf(pod) is { } index && view.Awaiting.TryGetValue(index, out var waiting) && waiting.Metadata.Uid == pod.Metadata.Uid);

    static JobCondition Final(JobCondition end, DateTimeOffset now) =>
        JobConditions.New(end.Type == JobConditions.SuccessCriteriaMet ? JobConditions.Complete : JobConditions.Failed, end.Reason, end.Message, now);

    /// <summary>Adds what has lost its finalizer to the sums.</summary>
    /// <param name="tracked">Uids of Pods that still have one.</param>
    public static JobStatus Sum(JobStatus status, IReadOnlySet<string> tracked)
    {
        if (status.UncountedTerminatedPods is not { } uncounted) return status;
        List<string> succeeded = [.. uncounted.Succeeded.Where(tracked.Contains)], failed = [.. uncounted.Failed.Where(tracked.Contains)];
        return status with
        {
            Succeeded = status.Succeeded + uncounted.Succeeded.Count - succeeded.Count, Failed = status.Failed + uncounted.Failed.Count - failed.Count,
            UncountedTerminatedPods = Uncounted(succeeded, failed),
        };
    }

    static UncountedTerminatedPods Uncounted(List<string> succeeded, List<string> failed) =>
        new() { Succeeded = succeeded.Count == 0 ? default : succeeded.ToSeq(), Failed = failed.Count == 0 ? default : failed.ToSeq() };

    /// <summary>The status with the Job's end, if nothing is in its way: Pods that are not counted, or have not ended.</summary>
    public JobStatus Ended(JobStatus status)
    {
        if (End is null || !All || status.Terminating > 0) return status;
        if (status.UncountedTerminatedPods is { } left && (!left.Succeeded.IsEmpty || !left.Failed.IsEmpty)) return status;
        return status with
        {
            // One that rested had no beginning; what has ended needs one.
            StartTime = status.StartTime ?? End.LastTransitionTime,
            Conditions = status.Conditions.Say(End), CompletionTime = End.Type == JobConditions.Complete ? End.LastTransitionTime : status.CompletionTime,
        };
    }
}
