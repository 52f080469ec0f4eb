using System.Collections.Concurrent;
using Hanbae.Machinery.Figures;

namespace Hanbae.Kubelet.Pods;

/// <summary>Counts Pods that the node refused, under upstream's name; reasons that upstream does not tell apart count as one.</summary>
sealed class Rejections
{
    const string Name = "kubelet_admission_rejections_total", Other = "Other";

    static readonly string[] s_told =
        [
            "Evicted", "NodeShutdown", "OutOfcpu", "OutOfephemeral-storage", "OutOfmemory", "OutOfpods", "PodOSNotSupported", "SysctlForbidden", "TopologyAffinityError",
            "UnexpectedAdmissionError", "VolumeAttachmentLimitExceeded",
        ];

    readonly ConcurrentDictionary<string, long> _counts = new();

    public void Count(string reason) => _counts.AddOrUpdate(s_told.Contains(reason) ? reason : Other, 1, (_, n) => n + 1);

    public void Render(PrometheusText text)
    {
        if (_counts.IsEmpty) return;
        text.Family(Name, "counter", "[ALPHA] Pods that were refused here, by reason.");
        foreach (var (reason, count) in _counts.OrderBy(c => c.Key, StringComparer.Ordinal)) text.Sample(Name, PrometheusText.Labels(("reason", reason)), count);
    }
}
