using Hanbae.Api.Batch.V1;

namespace Hanbae.Machinery.Default;

/// <summary>Defaults of work that ends.</summary>
static class JobDefaults
{
    public static Job Job(Job o)
    {
        var spec = Spec(o.Spec);
        var labels = spec.Template.Metadata.Labels;
        return o with { Spec = spec, Metadata = o.Metadata.Labels.IsEmpty && !labels.IsEmpty ? o.Metadata with { Labels = labels } : o.Metadata };
    }

    static JobSpec Spec(JobSpec s)
    {
        bool neither = s.Completions is null && s.Parallelism is null;
        return s with
        {
            Completions = neither ? 1 : s.Completions,
            Parallelism = s.Parallelism ?? 1,
            BackoffLimit = s.BackoffLimit ?? (s.BackoffLimitPerIndex is null ? 6 : int.MaxValue),
            CompletionMode = s.CompletionMode ?? "NonIndexed",
            Suspend = s.Suspend ?? false,
            PodReplacementPolicy = s.PodReplacementPolicy ?? (s.PodFailurePolicy is null ? "TerminatingOrFailed" : "Failed"),
            ManualSelector = s.ManualSelector ?? false,
            PodFailurePolicy = Failure(s.PodFailurePolicy),
            Template = PodDefaults.Template(s.Template),
        };
    }

    static PodFailurePolicy? Failure(PodFailurePolicy? policy) => policy is null ? null : policy with
    {
        Rules = policy.Rules.Each(r => r with { OnPodConditions = r.OnPodConditions.Each(c => c.Status.Length > 0 ? c : c with { Status = "True" }) }),
    };

    public static CronJob CronJob(CronJob o) => o with
    {
        Spec = o.Spec with
        {
            ConcurrencyPolicy = o.Spec.ConcurrencyPolicy.Or("Allow"),
            Suspend = o.Spec.Suspend ?? false,
            SuccessfulJobsHistoryLimit = o.Spec.SuccessfulJobsHistoryLimit ?? 3,
            FailedJobsHistoryLimit = o.Spec.FailedJobsHistoryLimit ?? 1,
            // A template is no Job yet: only its Pods have defaults.
            JobTemplate = o.Spec.JobTemplate with
            {
                Spec = o.Spec.JobTemplate.Spec with
                {
                    PodFailurePolicy = Failure(o.Spec.JobTemplate.Spec.PodFailurePolicy), Template = PodDefaults.Template(o.Spec.JobTemplate.Spec.Template),
                },
            },
        },
    };
}
