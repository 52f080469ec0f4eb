using System.Globalization;
using Hanbae.Api;
using Hanbae.Api.Batch.V1;

namespace Hanbae.Machinery.Validate;

/// <summary>Refuses statuses of Jobs that contradict themselves or take back an end: since anybody may run a Job (KEP-4368), not only the controller writes them.</summary>
/// <remarks>What was wrong before stays writable: most is looked at only when what it speaks of changes, as upstream.</remarks>
static class JobStatusRules
{
    const string Complete = "Complete", Failed = "Failed", FailureTarget = "FailureTarget", Met = "SuccessCriteriaMet";

    public static void Part(Job o, Job old, string subresource, Errors errors)
    {
        if (subresource != "status") return;
        var at = FieldPath.Of("status");
        var (now, was) = (o.Status, old.Status);
        errors.NotNegative(at["active"], now.Active);
        errors.NotNegative(at["succeeded"], now.Succeeded);
        errors.NotNegative(at["failed"], now.Failed);
        errors.NotNegative(at["ready"], now.Ready);
        errors.NotNegative(at["terminating"], now.Terminating);
        Uncounted(at["uncountedTerminatedPods"], now.UncountedTerminatedPods, errors);
        Conditions(at["conditions"], o, old, errors);
        Times(at, o, old, errors);
        Finished(at, now, was, errors);
        Indexes(at, o, old, errors);
        if ((now.Ready != was.Ready || now.Active != was.Active) && now.Ready > now.Active) errors.Invalid(at["ready"], now.Ready.Value, "cannot set more ready pods than active");
        if (now.Failed < was.Failed) errors.Invalid(at["failed"], now.Failed, "cannot decrease the failed counter");
        // An indexed Job may shrink as a whole (KEP-3715), and forgets what it has beyond its end.
        bool shrinks = o.Spec.CompletionMode == "Indexed" && o.Spec.Completions == o.Spec.Parallelism;
        if (now.Succeeded < was.Succeeded && !shrinks) errors.Invalid(at["succeeded"], now.Succeeded, "cannot decrease the succeeded counter");
    }

    static bool Is(JobStatus status, string condition) => status.Conditions.Exists(c => c.Type == condition && c.Status == "True");

    static bool IsFinished(JobStatus status) => Is(status, Complete) || Is(status, Failed);

    static void Uncounted(FieldPath at, UncountedTerminatedPods? uncounted, Errors errors)
    {
        if (uncounted is null) return;
        var seen = new HashSet<string>();
        foreach (var (name, uids) in new[] { ("succeeded", uncounted.Succeeded), ("failed", uncounted.Failed) })
            for (int i = 0; i < uids.Count; i++)
                if (uids[i].Length == 0) errors.Invalid(at[name][i], "", "must not be empty");
                else if (!seen.Add(uids[i])) errors.Duplicate(at[name][i], uids[i]);
    }

    static void Conditions(FieldPath at, Job o, Job old, Errors errors)
    {
        var (now, was) = (o.Status, old.Status);
        bool Changes(string type) => Is(now, type) != Is(was, type);
        void Refuse(string why) => PodCertificateRules.Omitted(at, why, errors);
        if ((Changes(Complete) || Changes(Failed)) && Is(now, Complete) && Is(now, Failed)) Refuse("cannot set Complete=True and Failed=true conditions");
        if ((Changes(Complete) || Changes(FailureTarget)) && Is(now, Complete) && Is(now, FailureTarget)) Refuse("cannot set Complete=True and FailureTarget=true conditions");
        if ((Changes(Failed) || Changes(FailureTarget)) && Is(now, Failed) && !Is(now, FailureTarget)) Refuse("cannot set Failed=True condition without the FailureTarget=true condition");
        if ((Changes(Complete) || Changes(Met)) && Is(now, Complete) && !Is(now, Met)) Refuse("cannot set Complete=True condition without the SuccessCriteriaMet=true condition");
        if (Is(now, Met) && Is(now, Failed)) Refuse("cannot set SuccessCriteriaMet=True and Failed=true conditions");
        if (Is(now, Met) && Is(now, FailureTarget)) Refuse("cannot set SuccessCriteriaMet=True and FailureTarget=true conditions");
        if (o.Spec.SuccessPolicy is not null && !Is(now, Met) && Is(now, Complete)) Refuse("cannot set Complete=True for Job with SuccessPolicy unless SuccessCriteriaMet=True");
        foreach (string type in (ReadOnlySpan<string>)[Failed, Complete, FailureTarget])
            if (Is(was, type) && !Is(now, type)) Refuse($"cannot disable the terminal {type}=True condition");
        if (Is(was, Met) && !Is(now, Met)) Refuse("cannot disable the SuccessCriteriaMet=True condition");
        if (Is(was, Complete) && !Is(was, Met) && Is(now, Met)) Refuse("cannot set SuccessCriteriaMet=True for Job already has Complete=true conditions");
    }

    static void Times(FieldPath at, Job o, Job old, Errors errors)
    {
        var (now, was) = (o.Status, old.Status);
        bool starts = Moves(now.StartTime, was.StartTime), completes = Moves(now.CompletionTime, was.CompletionTime), complete = Is(now, Complete), changes = complete != Is(was, Complete) || completes;
        if (changes && now.CompletionTime is { } unasked && !complete) errors.Invalid(at["completionTime"], unasked.ToApi(), "cannot set completionTime when there is no Complete=True condition");
        if (changes && now.CompletionTime is null && complete) errors.Required(at["completionTime"], "completionTime is required for Complete jobs");
        if ((starts || completes) && now.CompletionTime is { } end && end < now.StartTime) errors.Invalid(at["completionTime"], end.ToApi(), "completionTime cannot be set before startTime");
        if (completes && now.CompletionTime is { } moved && was.CompletionTime is not null) errors.Invalid(at["completionTime"], moved.ToApi(), "completionTime cannot be mutated");
        // What rests, or did until now, may begin anew.
        if (starts && was.StartTime is not null && o.Spec.Suspend != true && !Is(was, "Suspended"))
            errors.InvalidAs(at["startTime"], now.StartTime is { } other ? $"\"{other.ToApi()}\"" : "null", "field is immutable for unsuspended job once set");
    }

    /// <summary>By the second, as it is stored: who wrote it within this process may know it more exactly.</summary>
    static bool Moves(DateTimeOffset? now, DateTimeOffset? was) => now?.ToUnixTimeSeconds() != was?.ToUnixTimeSeconds();

    static void Finished(FieldPath at, JobStatus now, JobStatus was, Errors errors)
    {
        if (!IsFinished(now)) return;
        bool ends = !IsFinished(was);
        if ((ends || now.Active != was.Active) && now.Active > 0) errors.Invalid(at["active"], now.Active, "active>0 is invalid for finished job");
        if ((ends || now.StartTime != was.StartTime) && now.StartTime is null) errors.Required(at["startTime"], "startTime is required for finished job");
        if ((ends || now.UncountedTerminatedPods != was.UncountedTerminatedPods) && now.UncountedTerminatedPods is { } left && (!left.Succeeded.IsEmpty || !left.Failed.IsEmpty))
            errors.InvalidAs(at["uncountedTerminatedPods"], Shown.Message(left), "uncountedTerminatedPods needs to be empty for finished job");
        if ((ends || now.Terminating != was.Terminating) && now.Terminating > 0) errors.Invalid(at["terminating"], now.Terminating.Value, "terminating>0 is invalid for finished job");
    }

    static void Indexes(FieldPath at, Job o, Job old, Errors errors)
    {
        var now = o.Status;
        bool completed = now.CompletedIndexes != old.Status.CompletedIndexes, failed = now.FailedIndexes != old.Status.FailedIndexes;
        int most = o.Spec.Completions ?? 0;
        string? fault = o.Spec.Completions is null ? null : JobPolicyRules.Count(now.CompletedIndexes, most).Fault;
        if (completed && fault is not null) errors.Invalid(at["completedIndexes"], now.CompletedIndexes, "error parsing completedIndexes: " + fault);
        if (completed && now.CompletedIndexes.Length > 0 && o.Spec.CompletionMode != "Indexed")
            errors.Invalid(at["completedIndexes"], now.CompletedIndexes, "cannot set non-empty completedIndexes when non-indexed completion mode");
        if (now.FailedIndexes is not { } indexes) return;
        string? wrong = o.Spec.Completions is null ? null : JobPolicyRules.Count(indexes, most).Fault;
        if (failed && o.Spec.BackoffLimitPerIndex is not null && wrong is not null) errors.Invalid(at["failedIndexes"], indexes, "error parsing failedIndexes: " + wrong);
        if (failed && o.Spec.BackoffLimitPerIndex is null) errors.Invalid(at["failedIndexes"], indexes, "cannot set non-null failedIndexes when backoffLimitPerIndex is null");
        if ((failed || completed) && o.Spec.Completions is not null && fault is null && wrong is null && Overlap(now.CompletedIndexes, indexes) is { } both)
            errors.Invalid(at["failedIndexes"], indexes, $"failedIndexes and completedIndexes overlap at index: {both}");
    }

    /// <summary>The first index that two texts name both.</summary>
    static int? Overlap(string completed, string failed)
    {
        var (one, other) = (Ranges(completed), Ranges(failed));
        for (int i = 0, j = 0; i < one.Count && j < other.Count;)
        {
            int first = Math.Max(one[i].From, other[j].From);
            if (first <= Math.Min(one[i].To, other[j].To)) return first;
            if (one[i].To < other[j].To) i++;
            else j++;
        }
        return null;
    }

    static List<(int From, int To)> Ranges(string text) => text.Length == 0 ? [] :
        [.. text.Split(',').Select(part => part.Split('-')).Select(ends => (int.Parse(ends[0], CultureInfo.InvariantCulture), int.Parse(ends[^1], CultureInfo.InvariantCulture)))];
}
