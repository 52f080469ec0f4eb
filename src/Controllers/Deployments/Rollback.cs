using System.Collections.Immutable;
using System.Globalization;
using Hanbae.Api;
using Hanbae.Api.Apps.V1;

namespace Hanbae.Controllers.Deployments;

/// <summary>Takes a Deployment back to the template of an earlier revision, when an annotation asks for it, as clients of old do.</summary>
/// <param name="Deployment">As it shall be: without the annotation, whatever came of it.</param>
sealed record Rollback(Deployment Deployment, string Type, string Reason, string Message)
{
    const string To = "deprecated.deployment.rollback.to";

    /// <returns>Null when nothing of the kind is asked for.</returns>
    public static Rollback? For(Deployment deployment, ImmutableArray<ReplicaSet> sets)
    {
        if (!long.TryParse(deployment.Metadata.Annotations[To], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long revision)) return null;
        var done = deployment with { Metadata = deployment.Metadata with { Annotations = deployment.Metadata.Annotations.Remove(To) } };
        // None in particular: the one before the newest.
        bool last = revision == 0;
        if (last) revision = sets.Select(s => SetNotes.RevisionOf(s)).OrderDescending().Skip(1).FirstOrDefault();
        if (revision == 0) return new(done, "Warning", "DeploymentRollbackRevisionNotFound", "Unable to find last revision.");
        if (sets.FirstOrDefault(s => SetNotes.RevisionOf(s) == revision) is not { } set)
            return new(done, "Warning", "DeploymentRollbackRevisionNotFound", "Unable to find the revision to rollback to.");
        if (TemplateHash.Same(set.Spec.Template, deployment.Spec.Template))
            return new(done, "Warning", "DeploymentRollbackTemplateUnchanged", $"The rollback revision contains the same template as current deployment \"{deployment.Metadata.Name}\"");
        var (metadata, annotations) = (set.Spec.Template.Metadata, done.Metadata.Annotations);
        // The set has the annotations that the Deployment had.
        foreach (var (name, _) in done.Metadata.Annotations) if (SetNotes.IsCopied(name)) annotations = annotations.Remove(name);
        foreach (var (name, value) in set.Metadata.Annotations) if (SetNotes.IsCopied(name)) annotations = annotations.Set(name, value);
        return new(done with
        {
            Metadata = done.Metadata with { Annotations = annotations },
            Spec = done.Spec with { Template = set.Spec.Template with { Metadata = metadata with { Labels = metadata.Labels.Remove(TemplateHash.Label) } } },
        }, "Normal", "DeploymentRollback", $"Rolled back deployment \"{deployment.Metadata.Name}\" to revision {revision}");
    }
}
