using System.Globalization;
using Hanbae.Api;
using Hanbae.Api.Batch.V1;
using Hanbae.Api.Core.V1;
using Hanbae.Controllers.Ownership;
using Hanbae.Controllers.Pods;

namespace Hanbae.Controllers.Jobs;

/// <summary>Makes a Job's Pods, and reads from them what the Job needs to know.</summary>
static class JobPod
{
    /// <summary>Keeps a Pod that ended from vanishing before it was counted (KEP-2307).</summary>
    public const string Finalizer = "batch.kubernetes.io/job-tracking";
    public const string Index = "batch.kubernetes.io/job-completion-index";
    const string Failures = "batch.kubernetes.io/job-index-failure-count";
    const string Ignored = "batch.kubernetes.io/job-index-ignored-failure-count";
    const int LongestPrefix = 58;

    public static bool IsIndexed(this Job job) => job.Spec.CompletionMode == "Indexed";
    public static bool IsSuspended(this Job job) => job.Spec.Suspend == true;
    /// <summary>A Pod on its way out is not replaced before it has ended (KEP-3939).</summary>
    public static bool ReplacesFailedOnly(this Job job) => job.Spec.PodReplacementPolicy == "Failed" || job.Spec.PodFailurePolicy is not null;

    public static bool IsTracked(Pod pod) => pod.Metadata.Finalizers.Contains(Finalizer);

    /// <summary>Its completion index; null when it has none.</summary>
    public static int? IndexOf(Pod pod) => Number(pod, Index) is { } index ? index : null;

    /// <summary>Pods that are deleted count as failures, since some never get to say so, unless they are waited for.</summary>
    public static bool HasFailed(Job job, Pod pod) =>
        pod.Status.Phase == "Failed" || !job.ReplacesFailedOnly() && pod.IsBeingDeleted && pod.Status.Phase != "Succeeded";

    /// <summary>How often its index failed before it, as far as that counts.</summary>
    public static int FailuresBefore(Pod pod) => Number(pod, Failures) ?? 0;

    /// <summary>How often its index has failed, with it and all that does not count.</summary>
    public static int AllFailures(Pod pod) => FailuresBefore(pod) + (Number(pod, Ignored) ?? 0) + 1;

    public static Pod For(Job job)
    {
        var pod = PodStamp.From(job.Spec.Template, job.Metadata.Namespace, job.ControllerRef());
        return IsTracked(pod) ? pod : pod with { Metadata = pod.Metadata with { Finalizers = pod.Metadata.Finalizers.Add(Finalizer) } };
    }

    /// <param name="former">The Pod of the index that failed last, if failures are counted by index.</param>
    public static Pod For(Job job, int index, Pod? former)
    {
        var pod = For(job);
        string number = index.ToString(CultureInfo.InvariantCulture), suffix = $"-{number}-", prefix = job.Metadata.Name + suffix;
        if (prefix.Length > LongestPrefix) prefix = prefix[..(LongestPrefix - suffix.Length)] + suffix;
        var annotations = pod.Metadata.Annotations.Set(Index, number);
        if (job.Spec.BackoffLimitPerIndex is not null)
        {
            bool counted = former is not null && Policies.Of(job.Spec.PodFailurePolicy, former).Counts;
            int failures = former is null ? 0 : FailuresBefore(former) + (counted ? 1 : 0), ignored = former is null ? 0 : (Number(former, Ignored) ?? 0) + (counted ? 0 : 1);
            annotations = annotations.Set(Failures, failures.ToString(CultureInfo.InvariantCulture));
            if (ignored > 0) annotations = annotations.Set(Ignored, ignored.ToString(CultureInfo.InvariantCulture));
        }
        return pod with
        {
            Metadata = pod.Metadata with { GenerateName = prefix, Annotations = annotations, Labels = pod.Metadata.Labels.Set(Index, number) },
            Spec = pod.Spec with
            {
                Hostname = $"{job.Metadata.Name}-{number}",
                Containers = pod.Spec.Containers.Select(Told).ToSeq(), InitContainers = pod.Spec.InitContainers.IsEmpty ? default : pod.Spec.InitContainers.Select(Told).ToSeq(),
            },
        };
    }

    /// <summary>The container, told its index.</summary>
    static Container Told(Container container) => container.Env.Exists(e => e.Name == "JOB_COMPLETION_INDEX") ? container : container with
    {
        Env = container.Env.Add(new() { Name = "JOB_COMPLETION_INDEX", ValueFrom = new() { FieldRef = new() { FieldPath = $"metadata.labels['{Index}']" } } }),
    };

    /// <summary>When it ended, as well as can be told.</summary>
    public static DateTimeOffset EndOf(Pod pod, DateTimeOffset now)
    {
        DateTimeOffset? end = null;
        bool all = true;
        foreach (var status in pod.Status.InitContainerStatuses.Concat(pod.Status.ContainerStatuses))
            if (status.State.Terminated?.FinishedAt is { } at) end = end > at ? end : at;
            else all = false;
        if (all && end is not null) return end.Value;
        if (pod.ReadyCondition is { Status: "False", LastTransitionTime: { } unready }) return unready;
        if (pod.Metadata.DeletionTimestamp is { } deleted) return deleted.AddSeconds(-(pod.Metadata.DeletionGracePeriodSeconds ?? 0));
        return pod.Metadata.CreationTimestamp ?? now;
    }

    static int? Number(Pod pod, string annotation) =>
        int.TryParse(pod.Metadata.Annotations[annotation], NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : null;
}
