using System.Globalization;
using Hanbae.Api;
using Hanbae.Api.Apps.V1;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Node.V1;
using Hanbae.Machinery.Validate;
using Hanbae.Server.Registry.Warnings;

namespace Hanbae.Server.Registry.Strategies;

/// <summary>What has a template of Pods: what is ill-advised for a Pod is so for the template, too.</summary>
/// <param name="names">Its name becomes part of the names of Pods, which are their hostnames.</param>
public class TemplateStrategy<T>(Func<T, PodTemplateSpec?> template, bool names = false) : Strategy(T.Info) where T : class, IObject<T>
{
    public override IReadOnlyList<string> Warnings(IObject obj, IObject? old)
    {
        var now = template((T)obj);
        IReadOnlyList<string> ofTemplate = now is null || old is not null && template((T)old) == now ? [] : PodWarnings.Of(FieldPath.Spec["template"], now);
        return names && old is null ? [.. JobStrategy.NameWarnings(obj, old), .. ofTemplate] : ofTemplate;
    }
}

/// <summary>What keeps a number of Pods alive: how many there are can be selected by.</summary>
sealed class ReplicasStrategy<T>(Func<T, PodTemplateSpec?> template, Func<T, int> seen) : TemplateStrategy<T>(template, names: true) where T : class, IObject<T>
{
    public bool Orphans { get; init; }
    public override bool OrphansByDefault => Orphans;
    public override IReadOnlyList<string> SelectableFields { get; } = ["status.replicas"];
    public override string Field(IObject obj, string name) => name == "status.replicas" ? seen((T)obj).ToString(CultureInfo.InvariantCulture) : base.Field(obj, name);
}

/// <summary>StatefulSets: their claims are looked at, too.</summary>
sealed class StatefulSetStrategy() : TemplateStrategy<StatefulSet>(s => s.Spec.Template)
{
    public override IReadOnlyList<string> Warnings(IObject obj, IObject? old)
    {
        var set = (StatefulSet)obj;
        var warnings = new List<string>(base.Warnings(obj, old));
        for (int i = 0; i < set.Spec.VolumeClaimTemplates.Count; i++)
            warnings.AddRange(VolumeWarnings.Of(FieldPath.Spec["volumeClaimTemplates"][i], set.Spec.VolumeClaimTemplates[i].Spec));
        if (set.Spec.RevisionHistoryLimit < 0) warnings.Add("spec.revisionHistoryLimit: a negative value retains all historical revisions; a value >= 0 is recommended");
        return warnings;
    }
}

/// <summary>Deployments: their labels stay through the status.</summary>
public sealed class DeploymentStrategy() : TemplateStrategy<Deployment>(d => d.Spec.Template, names: true)
{
    public override IObject PrepareForUpdate(IObject obj, IObject old, WriteContext context)
    {
        obj = base.PrepareForUpdate(obj, old, context);
        return context.Subresource == "status" ? obj.WithMetadata(obj.Metadata with { Labels = old.Metadata.Labels }) : obj;
    }
}

/// <summary>DaemonSets: how often the template has changed is told in an annotation, as ever since it lost its field.</summary>
public sealed class DaemonSetStrategy() : TemplateStrategy<DaemonSet>(d => d.Spec.Template)
{
    const string TemplateGeneration = "deprecated.daemonset.template.generation";

    public override IObject PrepareForCreate(IObject obj, WriteContext context) => Marked(base.PrepareForCreate(obj, context), Math.Max(1, Of(obj)));

    public override IObject PrepareForUpdate(IObject obj, IObject old, WriteContext context)
    {
        obj = Marked(obj, Of(old) + (context.Subresource.Length == 0 && ((DaemonSet)obj).Spec.Template != ((DaemonSet)old).Spec.Template ? 1 : 0));
        return base.PrepareForUpdate(obj, old, context);
    }

    static long Of(IObject obj) => long.TryParse(obj.Metadata.Annotations[TemplateGeneration], CultureInfo.InvariantCulture, out long generation) ? generation : 0;

    static IObject Marked(IObject obj, long generation) =>
        generation == 0 ? obj : obj.WithMetadata(obj.Metadata with { Annotations = obj.Metadata.Annotations.Set(TemplateGeneration, generation.ToString(CultureInfo.InvariantCulture)) });
}

/// <summary>Nodes: who makes one may say at once how it is.</summary>
public sealed class NodeStrategy() : Strategy(Node.Info)
{
    public override IObject PrepareForCreate(IObject obj, WriteContext context)
    {
        var node = (Node)obj;
        return ((Node)base.PrepareForCreate(obj, context)) with { Spec = node.Spec with { ConfigSource = null }, Status = node.Status with { Config = null } };
    }

    /// <summary>How a kubelet is configured is no longer said here; what was said once stays until it is taken away.</summary>
    public override IObject PrepareForUpdate(IObject obj, IObject old, WriteContext context)
    {
        var node = (Node)base.PrepareForUpdate(obj, old, context);
        return node.Spec.ConfigSource is not null && ((Node)old).Spec.ConfigSource is null ? node with { Spec = node.Spec with { ConfigSource = null } } : node;
    }

    public override IReadOnlyList<string> Warnings(IObject obj, IObject? old) => NodeWarnings.Of((Node)obj);

    public override IReadOnlyList<string> SelectableFields { get; } = ["spec.unschedulable"];
    public override string Field(IObject obj, string name) => name == "spec.unschedulable" ? ((Node)obj).Spec.Unschedulable ? "true" : "false" : base.Field(obj, name);
}

/// <summary>RuntimeClasses: which nodes have the runtime is said by labels.</summary>
sealed class RuntimeClassStrategy() : Strategy(RuntimeClass.Info)
{
    public override IReadOnlyList<string> Warnings(IObject obj, IObject? old) => [.. NodeLabelWarnings.Of((RuntimeClass)obj)];
}
