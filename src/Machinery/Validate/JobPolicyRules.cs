using System.Globalization;
using Hanbae.Api;
using Hanbae.Api.Batch.V1;

namespace Hanbae.Machinery.Validate;

/// <summary>A Job's rules on failure (KEP-3329) and success (KEP-3998): whether they can be followed at all.</summary>
static class JobPolicyRules
{
    const int MostRules = 20, MostPatterns = 20, MostCodes = 255, LongestIndexes = 64 * 1024;

    public static void Check(FieldPath at, JobSpec s, Errors errors)
    {
        if (s.PodFailurePolicy is { } failure) Failure(at["podFailurePolicy"]["rules"], s, failure, errors);
        if (s.SuccessPolicy is { } success)
            if (s.CompletionMode != "Indexed") errors.InvalidAs(at["successPolicy"], Shown.Message(success), "requires indexed completion mode");
            else Success(at["successPolicy"]["rules"], s, success, errors);
        if (s.PodReplacementPolicy is { } replacement)
            if (s.PodFailurePolicy is not null) errors.OneOf(at["podReplacementPolicy"], replacement, "Failed");
            else errors.OneOf(at["podReplacementPolicy"], replacement, "Failed", "TerminatingOrFailed");
    }

    static void Failure(FieldPath at, JobSpec s, PodFailurePolicy policy, Errors errors)
    {
        if (policy.Rules.Count > MostRules) errors.TooMany(at, policy.Rules.Count, MostRules);
        for (int i = 0; i < policy.Rules.Count; i++)
        {
            var (here, rule) = (at[i], policy.Rules[i]);
            if (rule.Action.Length == 0) errors.Required(here["action"], "valid values: [\"Count\" \"FailIndex\" \"FailJob\" \"Ignore\"]");
            else if (rule.Action != "FailIndex") errors.OneOf(here["action"], rule.Action, "Count", "FailIndex", "FailJob", "Ignore");
            else if (s.BackoffLimitPerIndex is null) errors.Invalid(here["action"], rule.Action, "requires the backoffLimitPerIndex to be set");
            if (rule.OnExitCodes is { } codes) Codes(here["onExitCodes"], s, codes, errors);
            Patterns(here["onPodConditions"], rule.OnPodConditions, errors);
            if (rule.OnExitCodes is not null && !rule.OnPodConditions.IsEmpty) PodCertificateRules.Omitted(here, "specifying both OnExitCodes and OnPodConditions is not supported", errors);
            if (rule.OnExitCodes is null && rule.OnPodConditions.IsEmpty) PodCertificateRules.Omitted(here, "specifying one of OnExitCodes and OnPodConditions is required", errors);
        }
    }

    static void Patterns(FieldPath at, Seq<PodFailurePolicyOnPodConditionsPattern> patterns, Errors errors)
    {
        if (patterns.Count > MostPatterns) errors.TooMany(at, patterns.Count, MostPatterns);
        for (int i = 0; i < patterns.Count; i++)
        {
            errors.Invalid(at[i]["type"], patterns[i].Type, LabelSyntax.KeyErrors(patterns[i].Type));
            if (patterns[i].Status.Length == 0) errors.Required(at[i]["status"], "valid values: [\"False\" \"True\" \"Unknown\"]");
            else errors.OneOf(at[i]["status"], patterns[i].Status, "False", "True", "Unknown");
        }
    }

    static void Codes(FieldPath at, JobSpec s, PodFailurePolicyOnExitCodesRequirement codes, Errors errors)
    {
        if (codes.Operator.Length == 0) errors.Required(at["operator"], "valid values: [\"In\" \"NotIn\"]");
        else errors.OneOf(at["operator"], codes.Operator, "In", "NotIn");
        if (codes.ContainerName is { } name && !s.Template.Spec.Containers.Concat(s.Template.Spec.InitContainers).Any(c => c.Name == name))
            errors.Invalid(at["containerName"], name, "must be one of the container or initContainer names in the pod template");
        string shown = codes.Values.IsNil ? "null" : "[" + string.Join(',', codes.Values) + "]";
        if (codes.Values.IsEmpty) errors.InvalidAs(at["values"], shown, "at least one value is required");
        else if (codes.Values.Count > MostCodes) errors.TooMany(at["values"], codes.Values.Count, MostCodes);
        bool ordered = true;
        var seen = new HashSet<int>();
        for (int i = 0; i < codes.Values.Count; i++)
        {
            int code = codes.Values[i];
            if (codes.Operator == "In" && code == 0) errors.Invalid(at["values"][i], code, "must not be 0 for the In operator");
            if (!seen.Add(code)) errors.Add(new(FieldErrorType.Duplicate, at["values"][i].ToString(), code.ToString(CultureInfo.InvariantCulture), ""));
            ordered &= i == 0 || codes.Values[i - 1] <= code;
        }
        if (!ordered) errors.InvalidAs(at["values"], shown, "must be ordered");
    }

    static void Success(FieldPath at, JobSpec s, SuccessPolicy policy, Errors errors)
    {
        if (policy.Rules.IsEmpty) errors.Required(at, "at least one rules must be specified when the successPolicy is specified");
        if (policy.Rules.Count > MostRules) errors.TooMany(at, policy.Rules.Count, MostRules);
        int completions = s.Completions ?? 0;
        for (int i = 0; i < policy.Rules.Count; i++)
        {
            var (here, rule) = (at[i], policy.Rules[i]);
            if (rule is { SucceededCount: null, SucceededIndexes: null }) errors.Required(here, "at least one of succeededCount or succeededIndexes must be specified");
            int total = 0;
            if (rule.SucceededIndexes is { } indexes)
            {
                if (indexes.Length > LongestIndexes) errors.TooLong(here["succeededIndexes"], LongestIndexes);
                (total, string? fault) = Count(indexes, completions);
                if (fault is not null) errors.Invalid(here["succeededIndexes"], indexes, "error parsing succeededIndexes: " + fault);
            }
            if (rule.SucceededCount is not { } count) continue;
            errors.NotNegative(here["succeededCount"], count);
            if (count > completions) errors.Invalid(here["succeededCount"], count, $"must be less than or equal to {completions} (the number of specified completions)");
            if (rule.SucceededIndexes is not null && count > total)
                errors.Invalid(here["succeededCount"], count, $"must be less than or equal to {total} (the number of indexes in the specified succeededIndexes field)");
        }
    }

    /// <summary>How many indexes a text like <c>1,3-5,7</c> names.</summary>
    /// <returns>None, and why, when it cannot be read.</returns>
    internal static (int Total, string? Fault) Count(string text, int completions)
    {
        if (text.Length == 0) return (0, null);
        int total = 0, last = -1;
        foreach (string part in text.Split(','))
        {
            string[] ends = part.Split('-');
            if (ends.Length > 2) return (0, $"the fragment {FieldError.Quoted(part)} violates the requirement that an index interval can have at most two parts separated by '-'");
            int first = -1;
            foreach (string end in ends)
            {
                if (!int.TryParse(end, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int index)) return (0, $"cannot convert string to integer for index: {FieldError.Quoted(end)}");
                if (index >= completions) return (0, $"too large index: {FieldError.Quoted(end)}");
                if (last >= index) return (0, string.Create(CultureInfo.InvariantCulture, $"non-increasing order, previous: {last}, current: {index}"));
                total += first < 0 ? 1 : index - first;
                first = last = index;
            }
        }
        return (total, null);
    }
}
