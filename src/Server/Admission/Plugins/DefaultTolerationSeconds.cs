using Hanbae.Api.Core.V1;

namespace Hanbae.Server.Admission.Plugins;

/// <summary>Lets Pods stay five minutes on a node that is not ready or cannot be reached, unless they say otherwise.</summary>
sealed class DefaultTolerationSeconds : PodCreation
{
    const string NotReady = "node.kubernetes.io/not-ready", Unreachable = "node.kubernetes.io/unreachable", NoExecute = "NoExecute";
    const long Seconds = 300;

    /// <summary>Updates too: tolerations may be added, and then these are among them.</summary>
    public override bool Handles(Operation operation, Api.GroupResource resource, string subresource) =>
        operation is Operation.Create or Operation.Update && subresource.Length == 0 && resource is { Group: "", Resource: "pods" };

    protected override ValueTask<Pod> ChangeAsync(AdmissionRequest request, Pod pod, CancellationToken ct)
    {
        var tolerations = pod.Spec.Tolerations;
        foreach (string key in (ReadOnlySpan<string>)[NotReady, Unreachable])
            if (!pod.Spec.Tolerations.Exists(t => (t.Key == key || t.Key.Length == 0) && t.Effect is (NoExecute or "")))
                tolerations = tolerations.Add(new() { Key = key, Operator = "Exists", Effect = NoExecute, TolerationSeconds = Seconds });
        return new(tolerations.Count == pod.Spec.Tolerations.Count ? pod : pod with { Spec = pod.Spec with { Tolerations = tolerations } });
    }
}
