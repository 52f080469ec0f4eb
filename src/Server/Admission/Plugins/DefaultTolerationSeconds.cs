using Hanbae.Api;
using Hanbae.Api.Core.V1;

namespace Hanbae.Server.Admission.Plugins;

/// <summary>Lets Pods stay five minutes on a node that is not ready or cannot be reached, unless they say otherwise.</summary>
sealed class DefaultTolerationSeconds : PodCreation
{
    const string NotReady = "node.kubernetes.io/not-ready", Unreachable = "node.kubernetes.io/unreachable", NoExecute = "NoExecute";
    const long Seconds = 300;
    /// <summary>The same for all Pods, which are many.</summary>
    static readonly Toleration s_notReady = new() { Key = NotReady, Operator = "Exists", Effect = NoExecute, TolerationSeconds = Seconds };
    static readonly Seq<Toleration> s_both = [s_notReady, s_notReady with { Key = Unreachable }];

    /// <summary>Updates too: tolerations may be added, and then these are among them.</summary>
    public override bool Handles(Operation operation, GroupResource resource, string subresource) =>
        operation is Operation.Create or Operation.Update && subresource.Length == 0 && resource is { Group: "", Resource: "pods" };

    protected override ValueTask<Pod> ChangeAsync(AdmissionRequest request, Pod pod, CancellationToken ct)
    {
        var tolerations = pod.Spec.Tolerations.IsEmpty ? s_both : pod.Spec.Tolerations;
        foreach (var toleration in s_both)
            if (!tolerations.Exists(t => (t.Key == toleration.Key || t.Key.Length == 0) && t.Effect is (NoExecute or ""))) tolerations = tolerations.Add(toleration);
        return new(tolerations.Count == pod.Spec.Tolerations.Count ? pod : pod with { Spec = pod.Spec with { Tolerations = tolerations } });
    }
}
