using Hanbae.Api;
using Hanbae.Api.Apps.V1;
using Hanbae.Api.Meta.V1;
using GroupVersion = Hanbae.Api.GroupVersion;

namespace Hanbae.Machinery.Convert;

/// <summary>What Deployments and their like of extensions/v1beta1, apps/v1beta1 and apps/v1beta2 were when they said nothing; set before apps/v1's own defaults get to see them.</summary>
static class OldWorkloads
{
    static readonly RollingUpdateDeployment s_one = new() { MaxUnavailable = 1, MaxSurge = 1 };

    public static Deployment Deployment(Deployment o, GroupVersion from)
    {
        if (from.Version == "v1beta2") return o;
        var labels = o.Spec.Template.Metadata.Labels;
        bool extensions = from.Group == "extensions";
        var strategy = o.Spec.Strategy;
        if (extensions && strategy.Type is "" or "RollingUpdate")
            strategy = new()
            {
                Type = "RollingUpdate",
                RollingUpdate = strategy.RollingUpdate is { } roll ? roll with { MaxUnavailable = roll.MaxUnavailable ?? 1, MaxSurge = roll.MaxSurge ?? 1 } : s_one,
            };
        return o with
        {
            Metadata = Labelled(o.Metadata, labels),
            Spec = o.Spec with
            {
                Selector = o.Spec.Selector ?? Of(labels), Strategy = strategy,
                RevisionHistoryLimit = o.Spec.RevisionHistoryLimit ?? (extensions ? int.MaxValue : 2),
                ProgressDeadlineSeconds = o.Spec.ProgressDeadlineSeconds ?? (extensions ? int.MaxValue : 600),
            },
        };
    }

    public static ReplicaSet ReplicaSet(ReplicaSet o, GroupVersion from)
    {
        if (from.Group != "extensions") return o;
        var labels = o.Spec.Template.Metadata.Labels;
        return o with { Metadata = Labelled(o.Metadata, labels), Spec = o.Spec with { Selector = o.Spec.Selector ?? Of(labels) } };
    }

    public static DaemonSet DaemonSet(DaemonSet o, GroupVersion from)
    {
        if (from.Group != "extensions") return o;
        var labels = o.Spec.Template.Metadata.Labels;
        return o with
        {
            Metadata = Labelled(o.Metadata, labels),
            Spec = o.Spec with { Selector = o.Spec.Selector ?? Of(labels), UpdateStrategy = o.Spec.UpdateStrategy is { Type.Length: 0 } unsaid ? unsaid with { Type = "OnDelete" } : o.Spec.UpdateStrategy },
        };
    }

    public static StatefulSet StatefulSet(StatefulSet o, GroupVersion from)
    {
        if (from.Version != "v1beta1") return o;
        var labels = o.Spec.Template.Metadata.Labels;
        return o with
        {
            Metadata = Labelled(o.Metadata, labels),
            Spec = o.Spec with { Selector = o.Spec.Selector ?? Of(labels), UpdateStrategy = o.Spec.UpdateStrategy is { Type.Length: 0 } unsaid ? unsaid with { Type = "OnDelete" } : o.Spec.UpdateStrategy },
        };
    }

    static LabelSelector? Of(Map<string> labels) => labels.IsEmpty ? null : new() { MatchLabels = labels };

    static ObjectMeta Labelled(ObjectMeta meta, Map<string> labels) => meta.Labels.IsEmpty && !labels.IsEmpty ? meta with { Labels = labels } : meta;
}
