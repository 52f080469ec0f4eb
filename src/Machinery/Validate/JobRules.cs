using Hanbae.Api;
using Hanbae.Api.Batch.V1;
using Hanbae.Api.Core.V1;
using Hanbae.Machinery.Schedule;

namespace Hanbae.Machinery.Validate;

/// <summary>Work that ends: Jobs and what starts them.</summary>
static class JobRules
{
    const int LongestCronJobName = 52;

    const string Uid = "batch.kubernetes.io/controller-uid", Name = "batch.kubernetes.io/job-name", OldUid = "controller-uid", OldName = "job-name";

    public static void Check(Job o, Errors errors) => Check(o, prefixed: true, errors);

    /// <param name="prefixed">Whether the labels of today have to be there: Jobs that are older than those have only the others.</param>
    static void Check(Job o, bool prefixed, Errors errors)
    {
        Generated(o, prefixed, errors);
        Spec(FieldPath.Spec, o.Spec, errors);
        // The highest index is part of a Pod's host name.
        if (o.Spec is { CompletionMode: "Indexed", Completions: > 0 and var completions } && $"{o.Metadata.Name}-{completions - 1}" is var host && Names.Label(host).Count > 0)
            errors.Invalid(FieldPath.Metadata["name"], o.Metadata.Name, "will not able to create pod with invalid DNS label: " + host);
        if (o.Spec.Selector is { } selector)
        {
            LabelRules.Selector(FieldPath.Spec["selector"], selector, errors);
            if (!LabelRules.Matches(selector, o.Spec.Template.Metadata.Labels))
                errors.InvalidAs(FieldPath.Spec["template"]["metadata"]["labels"], Shown.Map(o.Spec.Template.Metadata.Labels), "`selector` does not match template `labels`");
        }
        else errors.Required(FieldPath.Spec["selector"]);
    }

    /// <summary>A selector that nobody else's Pods can match is made of the Job's own labels: whoever gives others has to say that he chose them.</summary>
    static void Generated(Job o, bool prefixed, Errors errors)
    {
        if (o.Spec.ManualSelector == true || o.Spec.Selector is not { } selector) return;
        if (o.Metadata.Uid.Length == 0) errors.Required(FieldPath.Metadata["uid"]);
        var expected = Map.Of((OldUid, o.Metadata.Uid), (OldName, o.Metadata.Name));
        if (prefixed) expected = expected.Set(Uid, o.Metadata.Uid).Set(Name, o.Metadata.Name);
        var labels = o.Spec.Template.Metadata.Labels;
        foreach (var (key, value) in expected)
        {
            var at = FieldPath.Spec["template"]["metadata"]["labels"].Key(key);
            if (!labels.ContainsKey(key)) errors.Required(at, $"must be '{value}'");
            else if (labels[key] != value) errors.InvalidAs(at, Shown.Map(labels), $"must be '{value}'");
        }
        if (!LabelRules.Matches(selector, expected)) errors.InvalidAs(FieldPath.Spec["selector"], Shown.Message(selector), "`selector` not auto-generated");
    }

    const int LongestManagedBy = 63;

    static void Spec(FieldPath at, JobSpec s, Errors errors)
    {
        if (s.ManagedBy is { } by)
        {
            ClusterNetworkRules.Path(at["managedBy"], by, errors);
            if (by.Length > LongestManagedBy) errors.TooLong(at["managedBy"], LongestManagedBy);
        }
        errors.NotNegative(at["parallelism"], s.Parallelism);
        errors.NotNegative(at["completions"], s.Completions);
        errors.NotNegative(at["activeDeadlineSeconds"], s.ActiveDeadlineSeconds);
        errors.NotNegative(at["backoffLimit"], s.BackoffLimit);
        errors.NotNegative(at["ttlSecondsAfterFinished"], s.TtlSecondsAfterFinished);
        errors.NotNegative(at["backoffLimitPerIndex"], s.BackoffLimitPerIndex);
        errors.NotNegative(at["maxFailedIndexes"], s.MaxFailedIndexes);
        if (s.MaxFailedIndexes is not null && s.BackoffLimitPerIndex is null) errors.Required(at["backoffLimitPerIndex"], "when maxFailedIndexes is specified");
        if (s.CompletionMode is { } mode)
        {
            errors.OneOf(at["completionMode"], mode, "Indexed", "NonIndexed");
            if (mode == "Indexed") Indexed(at, s, errors);
        }
        if (s.CompletionMode is null or "NonIndexed")
        {
            if (s.BackoffLimitPerIndex is { } perIndex) errors.Invalid(at["backoffLimitPerIndex"], perIndex, "requires indexed completion mode");
            if (s.MaxFailedIndexes is { } most) errors.Invalid(at["maxFailedIndexes"], most, "requires indexed completion mode");
        }
        JobPolicyRules.Check(at, s, errors);
        PodRules.Template(at["template"], s.Template, errors);
        string policy = s.Template.Spec.RestartPolicy;
        if (policy == "Always") errors.Required(at["template"]["spec"]["restartPolicy"], "valid values: \"OnFailure\", \"Never\"");
        else errors.OneOf(at["template"]["spec"]["restartPolicy"], policy, "Never", "OnFailure");
        if (s.PodFailurePolicy is not null && policy != "Never")
            errors.Invalid(at["template"]["spec"]["restartPolicy"], policy, "only \"Never\" is supported when podFailurePolicy is specified");
    }

    const int MostIndexedParallelism = 100_000, MostFailedIndexes = 100_000, ManyCompletions = 100_000, MostAmongMany = 10_000;

    /// <summary>What an index says of itself is written down: so there may not be too many that run, or fail, at once.</summary>
    static void Indexed(FieldPath at, JobSpec s, Errors errors)
    {
        if (s.Completions is null) errors.Required(at["completions"], "when completion mode is Indexed");
        if (s.Parallelism > MostIndexedParallelism)
            errors.Invalid(at["parallelism"], s.Parallelism.Value, $"must be less than or equal to {MostIndexedParallelism} when completion mode is Indexed");
        if (s.MaxFailedIndexes > s.Completions) errors.Invalid(at["maxFailedIndexes"], s.MaxFailedIndexes.Value, "must be less than or equal to completions");
        if (s.MaxFailedIndexes > MostFailedIndexes) errors.Invalid(at["maxFailedIndexes"], s.MaxFailedIndexes.Value, $"must be less than or equal to {MostFailedIndexes}");
        if (!(s.Completions > ManyCompletions) || s.BackoffLimitPerIndex is null) return;
        const string Many = " when completions are above 100000 and used with backoff limit per index";
        if (s.MaxFailedIndexes is null) errors.Required(at["maxFailedIndexes"], $"must be specified when completions is above {ManyCompletions}");
        if (s.Parallelism > MostAmongMany) errors.Invalid(at["parallelism"], s.Parallelism.Value, $"must be less than or equal to {MostAmongMany}{Many}");
        if (s.MaxFailedIndexes > MostAmongMany) errors.Invalid(at["maxFailedIndexes"], s.MaxFailedIndexes.Value, $"must be less than or equal to {MostAmongMany}{Many}");
    }

    public static void Update(Job o, Job old, Errors errors)
    {
        Check(o, old.Spec.Template.Metadata.Labels.ContainsKey(Name), errors);
        var at = FieldPath.Spec;
        // KEP-3715: an indexed Job grows and shrinks as a whole.
        if (o.Spec.CompletionMode != "Indexed") errors.Unchanged(at["completions"], o.Spec.Completions, old.Spec.Completions, c => Shown.Number(c));
        else if (o.Spec.Completions is { } completions && completions != old.Spec.Completions && completions != o.Spec.Parallelism)
            errors.Invalid(at["completions"], completions, "can only be modified in tandem with spec.parallelism");
        WorkloadRules.SameSelector(o.Spec.Selector, old.Spec.Selector, errors);
        // KEP-2926, KEP-5440: of a Job that rests, where its Pods go and what they ask for may still be decided.
        bool rests = old.Spec.Suspend == true && old.Status.Active == 0 && (old.Status.StartTime is null || old.Status.Conditions.Exists(c => c is { Type: "Suspended", Status: "True" }));
        var template = rests ? Undecided(o.Spec.Template, old.Spec.Template) : o.Spec.Template;
        errors.Unchanged(at["template"], template, old.Spec.Template, Shown.Message);
        errors.Unchanged(at["completionMode"], o.Spec.CompletionMode ?? "", old.Spec.CompletionMode ?? "");
        errors.Unchanged(at["podFailurePolicy"], o.Spec.PodFailurePolicy, old.Spec.PodFailurePolicy, p => p is null ? "null" : Shown.Message(p));
        errors.Unchanged(at["backoffLimitPerIndex"], o.Spec.BackoffLimitPerIndex, old.Spec.BackoffLimitPerIndex, b => Shown.Number(b));
        errors.Unchanged(at["managedBy"], o.Spec.ManagedBy ?? "", old.Spec.ManagedBy ?? "");
        errors.Unchanged(at["successPolicy"], o.Spec.SuccessPolicy, old.Spec.SuccessPolicy, p => p is null ? "null" : Shown.Message(p));
    }

    /// <summary>The template as it was, in all that may be decided late.</summary>
    static PodTemplateSpec Undecided(PodTemplateSpec template, PodTemplateSpec old)
    {
        var (spec, was) = (template.Spec, old.Spec);
        Affinity? affinity = (spec.Affinity ?? Affinity.Empty) with { NodeAffinity = was.Affinity?.NodeAffinity };
        if (affinity.Equals(Affinity.Empty)) affinity = was.Affinity is null || !was.Affinity.Equals(Affinity.Empty) ? null : was.Affinity;
        static Seq<Container> As(Seq<Container> now, Seq<Container> was) =>
            now.Count != was.Count ? now : now.Select((c, i) => c with { Resources = was[i].Resources }).ToSeq() is { IsEmpty: false } some ? some : now;
        return template with
        {
            Metadata = template.Metadata with { Labels = old.Metadata.Labels, Annotations = old.Metadata.Annotations },
            Spec = spec with
            {
                NodeSelector = was.NodeSelector, Tolerations = was.Tolerations, SchedulingGates = was.SchedulingGates, Affinity = affinity,
                Containers = As(spec.Containers, was.Containers), InitContainers = As(spec.InitContainers, was.InitContainers),
            },
        };
    }

    public static void Update(CronJob o, CronJob old, Errors errors) => Spec(o, old, errors);

    public static void Check(CronJob o, Errors errors)
    {
        if (o.Metadata.Name.Length > LongestCronJobName) errors.Invalid(FieldPath.Metadata["name"], o.Metadata.Name, $"must be no more than {LongestCronJobName} characters");
        Spec(o, null, errors);
    }

    static void Spec(CronJob o, CronJob? old, Errors errors)
    {
        var (at, s) = (FieldPath.Spec, o.Spec);
        bool zoned = s.Schedule.Contains("TZ", StringComparison.Ordinal);
        if (s.Schedule.Length == 0) errors.Required(at["schedule"]);
        else
        {
            if (Fault(s.Schedule) is { } fault) errors.Invalid(at["schedule"], s.Schedule, fault);
            // Who had a zone in there from the time when nobody looked may keep one.
            if (zoned && old?.Spec.Schedule.Contains("TZ", StringComparison.Ordinal) != true) errors.Invalid(at["schedule"], s.Schedule, "cannot use TZ or CRON_TZ in schedule, use timeZone field instead");
            else if (zoned && s.TimeZone is not null) errors.Invalid(at["schedule"], s.Schedule, "cannot use both timeZone field and TZ or CRON_TZ in schedule");
        }
        if (s.TimeZone is { } zone && (old is null || old.Spec.TimeZone != zone)) Zone(at["timeZone"], zone, errors);
        var job = s.JobTemplate.Spec;
        if (job.Selector is { } selector) errors.InvalidAs(at["jobTemplate"]["spec"]["selector"], Shown.Message(selector), "`selector` will be auto-generated");
        if (job.ManualSelector == true) errors.Add(new(FieldErrorType.NotSupported, at["jobTemplate"]["spec"]["manualSelector"].ToString(), "true", "supported values: \"nil\", \"false\""));
        errors.NotNegative(at["startingDeadlineSeconds"], s.StartingDeadlineSeconds);
        errors.RequiredOneOf(at["concurrencyPolicy"], s.ConcurrencyPolicy, "Allow", "Forbid", "Replace");
        Spec(at["jobTemplate"]["spec"], s.JobTemplate.Spec, errors);
        errors.NotNegative(at["successfulJobsHistoryLimit"], s.SuccessfulJobsHistoryLimit);
        errors.NotNegative(at["failedJobsHistoryLimit"], s.FailedJobsHistoryLimit);
    }

    /// <summary>What a machine calls its local time is nobody else's business: a zone has a name of its own.</summary>
    static void Zone(FieldPath at, string zone, Errors errors)
    {
        if (zone.Length == 0) { errors.Invalid(at, zone, "timeZone must be nil or non-empty string"); return; }
        if (zone.Equals("Local", StringComparison.OrdinalIgnoreCase)) errors.Invalid(at, zone, "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones");
        if (!IsKnown(zone)) errors.Invalid(at, zone, "unknown time zone " + zone);
    }

    /// <summary>Where a host knows no zones at all none can be told from a wrong one: the controller says so later.</summary>
    static bool IsKnown(string zone) =>
        zone.All(static c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_' or '+' or '/') && (TimeZoneInfo.TryFindSystemTimeZoneById(zone, out _) || TimeZoneInfo.GetSystemTimeZones().Count <= 1);

    static string? Fault(string schedule)
    {
        try { CronSchedule.Parse(schedule, TimeZoneInfo.Utc); }
        catch (FormatException e) { return e.Message; }
        return null;
    }
}
