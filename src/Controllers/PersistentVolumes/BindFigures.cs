using Hanbae.Api.Core.V1;
using Hanbae.Machinery.Figures;

namespace Hanbae.Controllers.PersistentVolumes;

/// <summary>How many volumes and claims are bound and how many are not: upstream's <c>pv_collector</c>.</summary>
static class BindFigures
{
    public static IEnumerable<Figure> Of(IReadOnlyCollection<PersistentVolume> volumes, IReadOnlyCollection<PersistentVolumeClaim> claims) =>
    [
        .. Count("pv_collector_total_pv_count", "Volumes.", volumes.Select(v => PrometheusText.Labels(("plugin_name", PluginOf(v)), ("volume_mode", Bond.ModeOf(v.Spec.VolumeMode))))),
        .. Count("pv_collector_bound_pv_count", "Volumes that have their claim.", volumes.Where(v => v.Status.Phase == "Bound").Select(LabelsOf)),
        .. Count("pv_collector_unbound_pv_count", "Volumes that have no claim.", volumes.Where(v => v.Status.Phase != "Bound").Select(LabelsOf)),
        .. Count("pv_collector_bound_pvc_count", "Claims that have their volume.", claims.Where(c => c.Status.Phase == "Bound").Select(LabelsOf)),
        .. Count("pv_collector_unbound_pvc_count", "Claims that have no volume.", claims.Where(c => c.Status.Phase != "Bound").Select(LabelsOf)),
    ];

    static IEnumerable<Figure> Count(string name, string help, IEnumerable<string> labels) => labels.GroupBy(l => l).Select(g => new Figure(name, help, g.Key, g.Count()));

    static string LabelsOf(PersistentVolume volume) => PrometheusText.Labels(("storage_class", volume.Spec.StorageClassName));

    static string LabelsOf(PersistentVolumeClaim claim) => PrometheusText.Labels(
        ("namespace", claim.Metadata.Namespace), ("storage_class", claim.Spec.StorageClassName ?? ""), ("volume_attributes_class", claim.Spec.VolumeAttributesClassName ?? ""));

    /// <summary>As metrics call what a volume is on.</summary>
    internal static string PluginOf(PersistentVolume volume) => volume.Spec switch
    {
        { Csi.Driver: var driver } => "kubernetes.io/csi:" + driver,
        { HostPath: not null } => "kubernetes.io/host-path",
        { Local: not null } => "kubernetes.io/local-volume",
        { Nfs: not null } => "kubernetes.io/nfs",
        { Iscsi: not null } => "kubernetes.io/iscsi",
        { Fc: not null } => "kubernetes.io/fc",
        _ => "N/A",
    };
}
