using Hanbae.Api.Batch.V1;
using Hanbae.Api.Core.V1;
using Hanbae.Controllers.Ownership;

namespace Hanbae.Controllers.Jobs;

/// <summary>What a Pod's failure means to its Job.</summary>
/// <param name="Action">The action of the rule that matched; empty when none did.</param>
/// <param name="Counts">Whether it counts against the limits.</param>
/// <param name="JobFailure">Why the Job fails because of it; null when it does not.</param>
readonly record struct Verdict(string Action, bool Counts, string? JobFailure);

/// <summary>Reads a Job's rules on failure (KEP-3329) and success (KEP-3998).</summary>
static class Policies
{
    static readonly string[] s_actions = ["Ignore", "Count", "FailIndex", "FailJob"];

    public static Verdict Of(PodFailurePolicy? policy, Pod pod)
    {
        for (int i = 0; i < (policy?.Rules.Count ?? 0); i++)
        {
            var rule = policy!.Rules[i];
            // Of a later version than this one: as if it were not there.
            if (!s_actions.Contains(rule.Action)) continue;
            string? why = rule.OnExitCodes is { } codes
                ? Match(codes, pod) is { } status
                    ? $"Container {status.Name} for pod {Key(pod)} failed with exit code {status.State.Terminated!.ExitCode} matching {rule.Action} rule at index {i}" : null
                : Match(rule, pod) is { } condition ? $"Pod {Key(pod)} has condition {condition.Type} matching {rule.Action} rule at index {i}" : null;
            if (why is not null) return new(rule.Action, rule.Action != "Ignore", rule.Action == "FailJob" ? why : null);
        }
        return new("", true, null);
    }

    static ContainerStatus? Match(PodFailurePolicyOnExitCodesRequirement codes, Pod pod)
    {
        foreach (var status in pod.Status.ContainerStatuses.Concat(pod.Status.InitContainerStatuses))
            if (status.State.Terminated is { ExitCode: not 0 and var code } && (codes.ContainerName is null || codes.ContainerName == status.Name)
                && codes.Values.Contains(code) == (codes.Operator == "In")) return status;
        return null;
    }

    static PodCondition? Match(PodFailurePolicyRule rule, Pod pod) =>
        pod.Status.Conditions.Find(c => rule.OnPodConditions.Exists(p => p.Type == c.Type && p.Status == c.Status));

    static string Key(Pod pod) => Api.Key.Of(pod).ToString();

    /// <returns>Which rule says that the Job has succeeded; null when none does.</returns>
    public static string? Of(SuccessPolicy? policy, Intervals succeeded, int completions)
    {
        for (int i = 0; i < (policy?.Rules.Count ?? 0); i++)
        {
            var rule = policy!.Rules[i];
            bool met = rule.SucceededIndexes is { } indexes && Intervals.Parse(indexes, completions) is var wanted
                ? wanted.Count > 0 && succeeded.CountIn(wanted) >= (rule.SucceededCount ?? wanted.Count)
                : rule.SucceededCount is { } count && succeeded.Count >= count;
            if (met) return $"Matched rules at index {i}";
        }
        return null;
    }
}
