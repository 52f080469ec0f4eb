using Hanbae.Api.Apps.V1;
using Hanbae.Api.Autoscaling.V2;
using Hanbae.Api.Batch.V1;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Meta.V1;
using Hanbae.Api.Policy.V1;

namespace Hanbae.Server.Tables;

/// <summary>Rows of what runs Pods, and of what says how many.</summary>
static class WorkloadCells
{
    public static void Write(Deployment deployment, IRow row)
    {
        row.Text(deployment.Metadata.Name);
        row.Text($"{deployment.Status.ReadyReplicas}/{deployment.Spec.Replicas ?? 0}");
        row.Number(deployment.Status.UpdatedReplicas);
        row.Number(deployment.Status.AvailableReplicas);
        row.Age(deployment.Metadata.CreationTimestamp);
        Containers(row, deployment.Spec.Template.Spec);
        row.Text(CellText.Selector(deployment.Spec.Selector));
    }

    public static void Write(ReplicaSet set, IRow row)
    {
        row.Text(set.Metadata.Name);
        row.Number(set.Spec.Replicas ?? 0);
        row.Number(set.Status.Replicas);
        row.Number(set.Status.ReadyReplicas);
        row.Age(set.Metadata.CreationTimestamp);
        Containers(row, set.Spec.Template.Spec);
        row.Text(CellText.Selector(set.Spec.Selector));
    }

    public static void Write(Hanbae.Api.Autoscaling.V1.Scale scale, IRow row)
    {
        row.Text(scale.Metadata.Name);
        row.Number(scale.Spec.Replicas);
        row.Number(scale.Status.Replicas);
        row.Age(scale.Metadata.CreationTimestamp);
    }

    public static void Write(StatefulSet set, IRow row)
    {
        row.Text(set.Metadata.Name);
        row.Text($"{set.Status.ReadyReplicas}/{set.Spec.Replicas ?? 0}");
        row.Age(set.Metadata.CreationTimestamp);
        Containers(row, set.Spec.Template.Spec);
    }

    public static void Write(DaemonSet set, IRow row)
    {
        row.Text(set.Metadata.Name);
        row.Number(set.Status.DesiredNumberScheduled);
        row.Number(set.Status.CurrentNumberScheduled);
        row.Number(set.Status.NumberReady);
        row.Number(set.Status.UpdatedNumberScheduled);
        row.Number(set.Status.NumberAvailable);
        row.Text(CellText.Labels(set.Spec.Template.Spec.NodeSelector));
        row.Age(set.Metadata.CreationTimestamp);
        Containers(row, set.Spec.Template.Spec);
        row.Text(CellText.Selector(set.Spec.Selector));
    }

    public static void Write(ControllerRevision revision, IRow row)
    {
        row.Text(revision.Metadata.Name);
        row.Text(revision.Metadata.OwnerReferences.Find(o => o.Controller == true) is { } owner ? Named(owner) : CellText.None);
        row.Number(revision.Revision);
        row.Age(revision.Metadata.CreationTimestamp);
    }

    /// <summary><c>daemonset.apps/agent</c>.</summary>
    static string Named(OwnerReference owner)
    {
        int slash = owner.ApiVersion.IndexOf('/');
        return (slash < 0 ? owner.Kind : owner.Kind + "." + owner.ApiVersion[..slash]).ToLowerInvariant() + "/" + owner.Name;
    }

    public static void Write(Job job, IRow row)
    {
        var (spec, status) = (job.Spec, job.Status);
        row.Text(job.Metadata.Name);
        row.Text(State(job));
        row.Text(spec.Completions is { } wanted ? $"{status.Succeeded}/{wanted}"
            : spec.Parallelism > 1 ? $"{status.Succeeded}/1 of {spec.Parallelism}" : $"{status.Succeeded}/1");
        if (status.StartTime is not { } start) row.Text("");
        else if (status.CompletionTime is { } end) row.Text(HumanDuration.Of(end - start));
        else row.TextWithAge("", start, "");
        row.Age(job.Metadata.CreationTimestamp);
        Containers(row, spec.Template.Spec);
        row.Text(CellText.Selector(spec.Selector));
    }

    static string State(Job job)
    {
        bool Is(string condition) => job.Status.Conditions.Find(c => c.Type == condition) is { Status: "True" };
        return Is("Complete") ? "Complete" : Is("Failed") ? "Failed" : job.Metadata.DeletionTimestamp is not null ? "Terminating"
            : Is("Suspended") ? "Suspended" : Is("FailureTarget") ? "FailureTarget" : Is("SuccessCriteriaMet") ? "SuccessCriteriaMet" : "Running";
    }

    public static void Write(CronJob job, IRow row)
    {
        row.Text(job.Metadata.Name);
        row.Text(job.Spec.Schedule);
        row.Text(job.Spec.TimeZone ?? CellText.None);
        row.Text(CellText.Bool(job.Spec.Suspend));
        row.Number(job.Status.Active.Count);
        if (job.Status.LastScheduleTime is { } last) row.Age(last);
        else row.Text(CellText.None);
        row.Age(job.Metadata.CreationTimestamp);
        Containers(row, job.Spec.JobTemplate.Spec.Template.Spec);
        row.Text(CellText.Selector(job.Spec.JobTemplate.Spec.Selector));
    }

    static void Containers(IRow row, PodSpec pod)
    {
        row.Text(CellText.Names(pod));
        row.Text(CellText.Images(pod));
    }

    public static void Write(PodDisruptionBudget budget, IRow row)
    {
        row.Text(budget.Metadata.Name);
        row.Text(budget.Spec.MinAvailable?.ToString() ?? "N/A");
        row.Text(budget.Spec.MaxUnavailable?.ToString() ?? "N/A");
        row.Number(budget.Status.DisruptionsAllowed);
        row.Age(budget.Metadata.CreationTimestamp);
    }

    public static void Write(HorizontalPodAutoscaler scaler, IRow row)
    {
        row.Text(scaler.Metadata.Name);
        row.Text(scaler.Spec.ScaleTargetRef.Kind + "/" + scaler.Spec.ScaleTargetRef.Name);
        row.Text(HpaTargets.Of(scaler));
        row.Text(scaler.Spec.MinReplicas is { } least ? CellText.Of(least) : CellText.Unset);
        row.Number(scaler.Spec.MaxReplicas);
        row.Number(scaler.Status.CurrentReplicas);
        row.Age(scaler.Metadata.CreationTimestamp);
    }
}
