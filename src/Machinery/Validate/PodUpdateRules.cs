using Hanbae.Api;
using Hanbae.Api.Core.V1;

namespace Hanbae.Machinery.Validate;

/// <summary>How a Pod may change once it is there: hardly.</summary>
static class PodUpdateRules
{
    const string OnlyAdditions = "only additions are allowed (no mutations or deletions)";
    const string Frozen = "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,"
        + "`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";

    public static void Update(Pod pod, Pod old, Errors errors)
    {
        var at = FieldPath.Spec;
        var (spec, was) = (pod.Spec, old.Spec);
        if (spec == was && pod.Metadata.Annotations == old.Metadata.Annotations) return;
        PodRules.Whole(pod, errors);
        if (spec == was) return;
        if (spec.Containers.Count != was.Containers.Count) { errors.Forbidden(at["containers"], "pod updates may not add or remove containers"); return; }
        if (spec.InitContainers.Count != was.InitContainers.Count) { errors.Forbidden(at["initContainers"], "pod updates may not add or remove containers"); return; }
        Deadline(at["activeDeadlineSeconds"], spec.ActiveDeadlineSeconds, was.ActiveDeadlineSeconds, errors);
        Tolerations(at["tolerations"], spec.Tolerations, was.Tolerations, errors);
        bool gated = !was.SchedulingGates.IsEmpty;
        for (int i = 0; i < spec.SchedulingGates.Count; i++)
            if (!was.SchedulingGates.Contains(spec.SchedulingGates[i]))
                errors.Forbidden(at["schedulingGates"][i]["name"], $"only deletion is allowed, but found new scheduling gate '{spec.SchedulingGates[i].Name}'");

        // What may change is made the same; then nothing may differ.
        var same = spec with
        {
            Containers = Images(spec.Containers, was.Containers), InitContainers = Images(spec.InitContainers, was.InitContainers),
            ActiveDeadlineSeconds = was.ActiveDeadlineSeconds, Tolerations = was.Tolerations, SchedulingGates = was.SchedulingGates,
        };
        if (was.TerminationGracePeriodSeconds < 0 && spec.TerminationGracePeriodSeconds == 1) same = same with { TerminationGracePeriodSeconds = was.TerminationGracePeriodSeconds };
        // KEP-3838: until the gates are gone, a Pod may be aimed more narrowly.
        if (gated && spec.NodeSelector != was.NodeSelector)
        {
            if (!was.NodeSelector.All(p => spec.NodeSelector.TryGet(p.Key, out string? value) && value == p.Value))
                errors.InvalidAs(at["nodeSelector"], Shown.Map(spec.NodeSelector), "only additions to spec.nodeSelector are allowed (no mutations or deletions)");
            same = same with { NodeSelector = was.NodeSelector };
        }
        if (gated && spec.Affinity?.NodeAffinity != was.Affinity?.NodeAffinity)
        {
            Narrower(at["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"], spec.Affinity?.NodeAffinity, was.Affinity?.NodeAffinity, errors);
            var rest = (spec.Affinity ?? new()) with { NodeAffinity = was.Affinity?.NodeAffinity };
            same = same with { Affinity = was.Affinity is null && rest == new Affinity() ? null : rest };
        }
        if (same != was) errors.Forbidden(at, Frozen + "\n" + Difference.Of(same, was));
    }

    /// <summary>Where it has to run may be said when it was not, or be said more closely; what is preferred may change in any way.</summary>
    static void Narrower(FieldPath at, NodeAffinity? now, NodeAffinity? was, Errors errors)
    {
        var (terms, old) = (now?.RequiredDuringSchedulingIgnoredDuringExecution?.NodeSelectorTerms ?? default, was?.RequiredDuringSchedulingIgnoredDuringExecution?.NodeSelectorTerms ?? default);
        if (old.IsEmpty) return;
        if (terms.Count != old.Count)
        {
            errors.InvalidAs(at, Shown.Messages(terms), "no additions/deletions to non-empty NodeSelectorTerms list are allowed");
            return;
        }
        for (int i = 0; i < old.Count; i++)
            if (!(IsNothing(old[i]) ? IsNothing(terms[i]) : Begins(terms[i].MatchExpressions, old[i].MatchExpressions) && Begins(terms[i].MatchFields, old[i].MatchFields)))
                errors.InvalidAs(at[i], Shown.Message(terms[i]), OnlyAdditions);

        // Such a term fits no node: one that fits some would be wider.
        static bool IsNothing(NodeSelectorTerm term) => term.MatchExpressions.IsEmpty && term.MatchFields.IsEmpty;
        static bool Begins(Seq<NodeSelectorRequirement> now, Seq<NodeSelectorRequirement> was) => now.Count >= was.Count && now.Span[..was.Count].SequenceEqual(was.Span);
    }

    static void Deadline(FieldPath at, long? now, long? was, Errors errors)
    {
        if (now is { } seconds)
        {
            if (seconds is < 0 or > int.MaxValue) errors.Between(at, seconds, 0, int.MaxValue);
            else if (was < seconds) errors.Invalid(at, seconds, "must be less than or equal to previous value");
        }
        else if (was is not null) errors.InvalidAs(at, "null", "must not update from a positive integer to nil value");
    }

    static void Tolerations(FieldPath at, Seq<Toleration> now, Seq<Toleration> was, Errors errors)
    {
        foreach (var old in was)
            if (!now.Exists(t => t with { TolerationSeconds = null } == old with { TolerationSeconds = null }))
            {
                errors.Forbidden(at, "existing toleration can not be modified except its tolerationSeconds");
                return;
            }
    }

    static Seq<Container> Images(Seq<Container> now, Seq<Container> was)
    {
        for (int i = 0; i < now.Count; i++) if (now[i].Image != was[i].Image) now = now.SetAt(i, now[i] with { Image = was[i].Image });
        return now;
    }

    public static void Part(Pod pod, Pod old, string subresource, Errors errors)
    {
        switch (subresource)
        {
            case "ephemeralcontainers": Ephemeral(pod, old, errors); break;
            case "status": PodStatusRules.Check(pod, old, errors); break;
            case "resize": ResizeRules.Check(pod, old, errors); break;
        }
    }

    static void Ephemeral(Pod pod, Pod old, Errors errors)
    {
        var at = FieldPath.Spec["ephemeralContainers"];
        if (old.Metadata.Annotations.ContainsKey("kubernetes.io/config.mirror")) { errors.Forbidden(FieldPath.Of(""), "static pods do not support ephemeral containers"); return; }
        PodRules.Whole(pod, errors);
        foreach (var was in old.Spec.EphemeralContainers)
        {
            if (pod.Spec.EphemeralContainers.Find(c => c.Name == was.Name) is not { } now) errors.Forbidden(at, $"existing ephemeral containers \"{was.Name}\" may not be removed\n");
            else if (now != was) errors.Forbidden(at, $"existing ephemeral containers \"{was.Name}\" may not be changed\n{Difference.Of(now, was)}");
        }
    }
}
