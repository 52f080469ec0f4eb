using Hanbae.Api;
using Hanbae.Api.Batch.V1;
using Hanbae.Machinery.Validate;

namespace Hanbae.Server.Registry.Strategies;

/// <summary>Jobs: unless told otherwise their selector is their own uid, so that no two ever share Pods.</summary>
public sealed class JobStrategy() : TemplateStrategy<Job>(j => j.Spec.Template)
{
    const string Uid = "batch.kubernetes.io/controller-uid", Name = "batch.kubernetes.io/job-name", OldUid = "controller-uid", OldName = "job-name";

    public override IObject PrepareForCreate(IObject obj, WriteContext context)
    {
        var job = (Job)base.PrepareForCreate(obj, context);
        if (job.Spec.ManualSelector == true) return job;
        var (uid, template) = (job.Metadata.Uid, job.Spec.Template);
        var labels = template.Metadata.Labels;
        // What its maker chose stays, and is refused when it is another's.
        foreach (var (label, value) in new[] { (OldName, job.Metadata.Name), (Name, job.Metadata.Name), (OldUid, uid), (Uid, uid) })
            if (!labels.ContainsKey(label)) labels = labels.Set(label, value);
        var selector = job.Spec.Selector ?? new();
        return job with
        {
            Spec = job.Spec with
            {
                Selector = selector.MatchLabels.ContainsKey(Uid) ? selector : selector with { MatchLabels = selector.MatchLabels.Set(Uid, uid) },
                Template = template with { Metadata = template.Metadata with { Labels = labels } },
            },
        };
    }

    public override IReadOnlyList<string> Warnings(IObject obj, IObject? old) => [.. NameWarnings(obj, old), .. base.Warnings(obj, old)];

    /// <summary>What Pods and their hosts are named after had better be a label.</summary>
    internal static IEnumerable<string> NameWarnings(IObject obj, IObject? old) => old is not null || Names.Label(obj.Metadata.Name) is not { Count: > 0 } wrong ? [] :
        [$"metadata.name: this is used in Pod names and hostnames, which can result in surprising behavior; a DNS label is recommended: [{string.Join(" ", wrong)}]"];

    public override bool OrphansByDefault => true;
    public override IReadOnlyList<string> SelectableFields { get; } = ["status.successful"];

    public override string Field(IObject obj, string name) =>
        name == "status.successful" ? ((Job)obj).Status.Succeeded.ToString(System.Globalization.CultureInfo.InvariantCulture) : base.Field(obj, name);
}

/// <summary>CronJobs: what is ill-advised for their Jobs is so for them.</summary>
public sealed class CronJobStrategy() : Strategy(CronJob.Info)
{
    public override IReadOnlyList<string> Warnings(IObject obj, IObject? old)
    {
        var template = ((CronJob)obj).Spec.JobTemplate.Spec.Template;
        return [.. JobStrategy.NameWarnings(obj, old), .. old is not null && ((CronJob)old).Spec.JobTemplate.Spec.Template == template ? [] : PodWarnings.Of(FieldPath.Spec["jobTemplate"]["spec"]["template"], template)];
    }
}
