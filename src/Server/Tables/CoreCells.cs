using System.Text;
using Hanbae.Api;
using Hanbae.Api.Core.V1;

namespace Hanbae.Server.Tables;

/// <summary>Rows of the core group's kinds but Pods, Services and volumes.</summary>
static class CoreCells
{
    public static void Write(ComponentStatus component, IRow row)
    {
        var healthy = component.Conditions.Find(c => c.Type == "Healthy");
        row.Text(component.Metadata.Name);
        row.Text(healthy is null ? "Unknown" : healthy.Status == "True" ? "Healthy" : "Unhealthy");
        row.Text(healthy?.Message ?? "");
        row.Text(healthy?.Error ?? "");
    }

    public static void Write(ConfigMap map, IRow row)
    {
        row.Text(map.Metadata.Name);
        row.Number(map.Data.Count + map.BinaryData.Count);
        row.Age(map.Metadata.CreationTimestamp);
    }

    public static void Write(Secret secret, IRow row)
    {
        row.Text(secret.Metadata.Name);
        row.Text(secret.Type);
        row.Number(secret.Data.Count);
        row.Age(secret.Metadata.CreationTimestamp);
    }

    public static void Write(ServiceAccount account, IRow row)
    {
        row.Text(account.Metadata.Name);
        row.Age(account.Metadata.CreationTimestamp);
    }

    public static void Write(Namespace space, IRow row)
    {
        row.Text(space.Metadata.Name);
        row.Text(space.Status.Phase);
        row.Age(space.Metadata.CreationTimestamp);
    }

    public static void Write(Event e, IRow row)
    {
        var first = e.FirstTimestamp ?? e.EventTime;
        row.Age(e.Series is { } series ? series.LastObservedTime : e.LastTimestamp ?? first);
        row.Text(e.Type);
        row.Text(e.Reason);
        // Upstream's own form: the kind in small letters, whatever the resource is called.
        string kind = e.InvolvedObject.Kind.ToLowerInvariant();
        row.Text(e.InvolvedObject.Name.Length > 0 ? kind + "/" + e.InvolvedObject.Name : kind);
        row.Text(e.InvolvedObject.FieldPath);
        string component = e.Source.Component.Length > 0 ? e.Source.Component : e.ReportingComponent;
        string instance = e.Source.Host.Length > 0 ? e.Source.Host : e.ReportingInstance;
        row.Text(instance.Length == 0 ? component : component + ", " + instance);
        row.Text(e.Message.Trim());
        row.Age(first);
        row.Number(e.Series?.Count ?? Math.Max(e.Count, 1));
        row.Text(e.Metadata.Name);
    }

    public static void Write(Node node, IRow row)
    {
        string ready = node.Status.Conditions.Find(c => c.Type == "Ready") is { } condition ? condition.Status == "True" ? "Ready" : "NotReady" : "Unknown";
        row.Text(node.Metadata.Name);
        row.Text(node.Spec.Unschedulable ? ready + ",SchedulingDisabled" : ready);
        row.Text(CellText.OrNone(string.Join(',', Roles(node))));
        row.Age(node.Metadata.CreationTimestamp);
        var info = node.Status.NodeInfo;
        row.Text(info.KubeletVersion);
        row.Text(Address(node, "InternalIP"));
        row.Text(Address(node, "ExternalIP"));
        foreach (string text in (ReadOnlySpan<string>)[info.OsImage, info.KernelVersion, info.ContainerRuntimeVersion]) row.Text(text.Length > 0 ? text : CellText.Unknown);
    }

    const string RolePrefix = "node-role.kubernetes.io/";

    static SortedSet<string> Roles(Node node)
    {
        var roles = new SortedSet<string>(StringComparer.Ordinal);
        foreach (var (label, value) in node.Metadata.Labels)
            if (label.StartsWith(RolePrefix, StringComparison.Ordinal) && label.Length > RolePrefix.Length) roles.Add(label[RolePrefix.Length..]);
            else if (label == "kubernetes.io/role" && value.Length > 0) roles.Add(value);
        return roles;
    }

    static string Address(Node node, string type) => node.Status.Addresses.Find(a => a.Type == type)?.Address ?? CellText.None;

    public static void Write(PodTemplate template, IRow row)
    {
        row.Text(template.Metadata.Name);
        row.Text(CellText.Names(template.Template.Spec));
        row.Text(CellText.Images(template.Template.Spec));
        row.Text(CellText.Labels(template.Template.Metadata.Labels));
    }

    public static void Write(ReplicationController controller, IRow row)
    {
        row.Text(controller.Metadata.Name);
        row.Number(controller.Spec.Replicas ?? 0);
        row.Number(controller.Status.Replicas);
        row.Number(controller.Status.ReadyReplicas);
        row.Age(controller.Metadata.CreationTimestamp);
        var pod = controller.Spec.Template?.Spec ?? PodSpec.Empty;
        row.Text(CellText.Names(pod));
        row.Text(CellText.Images(pod));
        row.Text(CellText.Labels(controller.Spec.Selector));
    }

    public static void Write(ResourceQuota quota, IRow row)
    {
        var (requests, limits) = (new StringBuilder(), new StringBuilder());
        foreach (var (resource, hard) in quota.Status.Hard)
        {
            var to = resource.StartsWith("limits.", StringComparison.Ordinal) ? limits : requests;
            to.Append(to.Length > 0 ? ", " : "").Append(resource).Append(": ").Append(quota.Status.Used[resource]).Append('/').Append(hard);
        }
        row.Text(quota.Metadata.Name);
        row.Text(requests.ToString());
        row.Text(limits.ToString());
        row.Age(quota.Metadata.CreationTimestamp);
    }
}
