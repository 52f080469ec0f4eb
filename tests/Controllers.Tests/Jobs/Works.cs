using Hanbae.Api;
using Hanbae.Api.Batch.V1;
using Hanbae.Api.Core.V1;

namespace Hanbae.Controllers.Tests.Jobs;

/// <summary>Jobs to test with, and what their Pods may do.</summary>
static class Works
{
    public static Job Job(string name, int? completions = 1, int parallelism = 1, bool indexed = false, string restart = "Never") => new()
    {
        Metadata = new() { Name = name, Namespace = "default", Uid = "uid-of-" + name, Generation = 1 },
        Spec = new()
        {
            Completions = completions, Parallelism = parallelism, BackoffLimit = 6, CompletionMode = indexed ? "Indexed" : "NonIndexed", PodReplacementPolicy = "TerminatingOrFailed",
            Selector = new() { MatchLabels = Map.Of(("batch.kubernetes.io/controller-uid", "uid-of-" + name)) },
            Template = Make.Template() is var t ? t with
            {
                Metadata = new() { Labels = Map.Of(("batch.kubernetes.io/controller-uid", "uid-of-" + name), ("batch.kubernetes.io/job-name", name)) },
                Spec = t.Spec with { RestartPolicy = restart },
            } : null!,
        },
    };

    public static Job With(this Job job, Func<JobSpec, JobSpec> change) => job with { Spec = change(job.Spec) };

    public static Pod Ends(this Pod pod, int code = 0, DateTimeOffset? at = null) => pod with
    {
        Status = pod.Status with
        {
            Phase = code == 0 ? "Succeeded" : "Failed", Conditions = default,
            ContainerStatuses = [new ContainerStatus { Name = "main", State = new() { Terminated = new() { ExitCode = code, FinishedAt = at ?? Make.Start } } }],
        },
    };

    public static bool Is(this JobStatus status, string condition, string? reason = null) =>
        status.Conditions.Exists(c => c.Type == condition && c.Status == "True" && (reason is null || c.Reason == reason));
}
