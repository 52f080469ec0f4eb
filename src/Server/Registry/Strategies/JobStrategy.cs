using Hanbae.Api;
using Hanbae.Api.Batch.V1;

namespace Hanbae.Server.Registry.Strategies;

/// <summary>Jobs: unless told otherwise their selector is their own uid, so that no two ever share Pods.</summary>
public sealed class JobStrategy() : Strategy(Job.Info)
{
    const string Uid = "batch.kubernetes.io/controller-uid", Name = "batch.kubernetes.io/job-name", OldUid = "controller-uid", OldName = "job-name";

    public override IObject PrepareForCreate(IObject obj, WriteContext context)
    {
        var job = (Job)base.PrepareForCreate(obj, context);
        if (job.Spec.ManualSelector == true) return job;
        var (uid, template) = (job.Metadata.Uid, job.Spec.Template);
        var labels = template.Metadata.Labels.Set(OldUid, uid).Set(Uid, uid).Set(OldName, job.Metadata.Name).Set(Name, job.Metadata.Name);
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

    public override bool OrphansByDefault => true;
    public override IReadOnlyList<string> SelectableFields { get; } = ["status.successful"];

    public override string Field(IObject obj, string name) =>
        name == "status.successful" ? ((Job)obj).Status.Succeeded.ToString(System.Globalization.CultureInfo.InvariantCulture) : base.Field(obj, name);
}
