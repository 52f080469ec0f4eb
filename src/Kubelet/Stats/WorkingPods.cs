using Hanbae.Kubelet.Pods;
using Hanbae.Kubelet.Static;
using Hanbae.Machinery.Figures;

namespace Hanbae.Kubelet.Stats;

/// <summary>How many Pods the kubelet works on, and how far they are, under upstream's names.</summary>
static class WorkingPods
{
    const string Working = "kubelet_working_pods", Active = "kubelet_active_pods", Desired = "kubelet_desired_pods";

    static readonly string[] s_lives = ["sync", "terminating", "terminated"];
    /// <summary>Wanted by the API or by a file; by nobody any more; known only to the runtime.</summary>
    static readonly (string Config, string Static)[] s_origins = [("desired", ""), ("desired", "true"), ("orphan", ""), ("orphan", "true"), ("runtime_only", "unknown")];

    public static void Render(PrometheusText text, IReadOnlyCollection<PodWorker> workers, int mirrors)
    {
        var all = workers.Select(w => (Origin: OriginOf(w), Life: LifeOf(w), Static: StaticOf(w))).ToArray();
        text.Family(Active, "gauge", "[ALPHA] Pods that count when another is admitted; static ones come from files.");
        foreach (string s in (ReadOnlySpan<string>)["", "true"]) text.Sample(Active, PrometheusText.Labels(("static", s)), all.Count(w => w.Life == "sync" && w.Static == s));
        text.Family(Desired, "gauge", "[ALPHA] Pods that are wanted here; static ones come from files.");
        foreach (string s in (ReadOnlySpan<string>)["", "true"]) text.Sample(Desired, PrometheusText.Labels(("static", s)), all.Count(w => w.Origin == ("desired", s)));
        text.Plain("kubelet_mirror_pods", "gauge", "[ALPHA] Pods in the API that stand for static ones.", mirrors);
        text.Family(Working, "gauge", "[ALPHA] Pods that are worked on: how far they are, who wants them, "
            + "and whether they are static. Orphans are gone from the API or their folder and still here.");
        foreach (string life in s_lives)
            foreach (var origin in s_origins)
                text.Sample(Working, PrometheusText.Labels(("config", origin.Config), ("lifecycle", life), ("static", origin.Static)), all.Count(w => w.Origin == origin && w.Life == life));
    }

    static string StaticOf(PodWorker worker) => worker.Pod.IsStatic() ? "true" : "";

    static (string, string) OriginOf(PodWorker worker) =>
        worker.Pod.Spec.Containers.IsEmpty ? ("runtime_only", "unknown") : (worker.Removed ? "orphan" : "desired", StaticOf(worker));

    static string LifeOf(PodWorker worker) => !worker.Removed && !worker.Ended && worker.Pod.Metadata.DeletionTimestamp is null ? "sync"
        : worker.Runtime is null or { IsRunning: true } ? "terminating" : "terminated";
}
