using Hanbae.Api;
using Hanbae.Api.Batch.V1;
using Hanbae.Api.Meta.V1;
using Hanbae.Client;
using Hanbae.Controllers.Jobs;
using Hanbae.Controllers.Ownership;

namespace Hanbae.Controllers.TtlAfterFinished;

/// <summary>Deletes Jobs some time after they ended, with their Pods, when they say so.</summary>
sealed class Expire(IClusterAccess cluster) : IReconciler
{
    readonly ICache<Job> _jobs = cluster.Cache<Job>();

    public void Watch(Triggers on) => on.When(_jobs, e => e.New is { } job && DueAt(job) is not null);

    public async Task<Again> ReconcileAsync(Key key, CancellationToken ct)
    {
        var now = cluster.Time.GetUtcNow();
        if (_jobs.Find(key) is not { } job || DueAt(job) is not { } due) return Again.OnChange;
        if (due > now) return Again.At(due);
        // The time may have been prolonged meanwhile: nothing is deleted upon what the cache says alone.
        if (await cluster.Client.FindAsync<Job>(key, ct) is not { } live || live.Metadata.Uid != job.Metadata.Uid || DueAt(live) is not { } still) return Again.OnChange;
        if (still > now) return Again.At(still);
        await cluster.Client.TryDeleteAsync<Job>(key, new() { PropagationPolicy = "Foreground", Preconditions = new Preconditions { Uid = live.Metadata.Uid } }, ct);
        return Again.OnChange;
    }

    /// <summary>When the Job is to go; null when it is not.</summary>
    static DateTimeOffset? DueAt(Job job) => job.Spec.TtlSecondsAfterFinished is { } seconds && !job.IsBeingDeleted
        ? job.Status.Conditions.Find(c => c is { Type: JobConditions.Complete or JobConditions.Failed, Status: "True" })?.LastTransitionTime?.AddSeconds(seconds) : null;
}
