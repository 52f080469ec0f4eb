using Hanbae.Api.Meta.V1;
using Rule = Hanbae.Api.Resource.V1beta2.DeviceTaintRule;

namespace Hanbae.Controllers.DeviceTaints;

/// <summary>Tells of a DeviceTaintRule how far the eviction is, or what it would be (KEP-5055).</summary>
static class RuleCondition
{
    public const string Type = "EvictionInProgress";
    /// <summary>As long stands what was said, unless the rule was changed.</summary>
    public static readonly TimeSpan Period = TimeSpan.FromSeconds(10);

    /// <param name="evicted">Pods evicted for it since this controller started.</param>
    public static Rule Say(Rule rule, RuleReach reach, int evicted, DateTimeOffset now)
    {
        int at = rule.Status.Conditions.IndexOf(c => c.Type == Type);
        var old = at < 0 ? null : rule.Status.Conditions[at];
        var (status, reason, message) = Words(rule.Spec.Taint.Effect, reach, evicted);
        if (evicted > 0) message += (message.Length > 0 ? " " : "") + (evicted == 1 ? "1 pod " : $"{evicted} pods ") + "evicted since starting the controller.";
        var next = new Condition
        {
            Type = Type, Status = status, Reason = reason, Message = message, ObservedGeneration = rule.Metadata.Generation, LastTransitionTime = old?.LastTransitionTime,
        };
        if (next.Equals(old)) return rule;
        // Any change counts, that of the message included: the next may come a period later.
        next = next with { LastTransitionTime = now };
        return rule with { Status = rule.Status with { Conditions = at < 0 ? rule.Status.Conditions.Add(next) : rule.Status.Conditions.SetAt(at, next) } };
    }

    static (string Status, string Reason, string Message) Words(string effect, RuleReach reach, int evicted) => effect switch
    {
        "NoExecute" when reach.Pods > 0 => ("True", "PodsPendingEviction",
            (reach.Pods == 1 ? "1 pod needs to be evicted in " : $"{reach.Pods} pods need to be evicted in ") + (reach.Namespaces == 1 ? "1 namespace." : $"{reach.Namespaces} different namespaces.")),
        "NoExecute" => ("False", evicted > 0 ? "Completed" : "NotStarted", ""),
        "None" => ("False", "NoEffect",
            (reach.Published == 1 ? "1 published device selected. " : $"{reach.Published} published devices selected. ")
            + (reach.Allocated == 1 ? "1 allocated device selected. " : $"{reach.Allocated} allocated devices selected. ")
            + (reach.Pods == 1 ? "1 pod would be evicted in " : $"{reach.Pods} pods would be evicted in ")
            + (reach.Namespaces == 1 ? "1 namespace " : $"{reach.Namespaces} different namespaces ")
            + "if the effect was NoExecute. This information will not be updated again. Recreate the DeviceTaintRule to trigger an update."),
        _ => ("False", "OtherEffect", "Eviction only happens for the NoExecute effect."),
    };
}
