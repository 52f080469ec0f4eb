using System.Globalization;
using Hanbae.Api;
using Hanbae.Api.Apps.V1;
using Hanbae.Api.Meta.V1;

namespace Hanbae.Controllers.Deployments;

/// <summary>Reads and writes what a Deployment notes on its ReplicaSets: revisions for <c>kubectl rollout</c>, sizes for proportional scaling.</summary>
static class SetNotes
{
    public const string Revision = "deployment.kubernetes.io/revision";
    public const string History = "deployment.kubernetes.io/revision-history";
    public const string Desired = "deployment.kubernetes.io/desired-replicas";
    public const string Max = "deployment.kubernetes.io/max-replicas";

    const int LongestHistory = 2000;

    /// <summary>Annotations of a Deployment that its sets do not get.</summary>
    static readonly HashSet<string> NotCopied =
        ["kubectl.kubernetes.io/last-applied-configuration", Revision, History, Desired, Max, "deprecated.deployment.rollback.to"];

    public static bool IsCopied(string annotation) => !NotCopied.Contains(annotation);

    public static long RevisionOf(IObject obj) => Number(obj, Revision) ?? 0;

    public static int? DesiredOf(ReplicaSet set) => (int?)Number(set, Desired);
    public static int? MaxOf(ReplicaSet set) => (int?)Number(set, Max);

    static long? Number(IObject obj, string name) =>
        long.TryParse(obj.Metadata.Annotations[name], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long number) ? number : null;

    public static ReplicaSet WithAnnotations(this ReplicaSet set, Map<string> annotations) =>
        annotations == set.Metadata.Annotations ? set : set with { Metadata = set.Metadata with { Annotations = annotations } };

    public static Map<string> Sizes(Map<string> annotations, RollLimits limits) => annotations
        .Set(Desired, limits.Replicas.ToString(CultureInfo.InvariantCulture))
        .Set(Max, limits.MaxTotal.ToString(CultureInfo.InvariantCulture));

    /// <summary>Takes over the Deployment's annotations, and the revision when it is a newer one; the one it had goes to the history.</summary>
    public static Map<string> Noted(Deployment deployment, Map<string> annotations, long revision)
    {
        foreach (var (name, value) in deployment.Metadata.Annotations)
            if (!NotCopied.Contains(name)) annotations = annotations.Set(name, value);
        bool had = long.TryParse(annotations[Revision], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long old);
        if (had && old >= revision) return annotations;
        if (had) annotations = annotations.Set(History, Append(annotations[History] ?? "", annotations[Revision]!));
        return annotations.Set(Revision, revision.ToString(CultureInfo.InvariantCulture));
    }

    static string Append(string history, string revision)
    {
        string all = history.Length == 0 ? revision : history + "," + revision;
        // The oldest are dropped until it fits.
        while (all.Length > LongestHistory) all = all[(all.IndexOf(',', StringComparison.Ordinal) + 1)..];
        return all;
    }
}
