using Hanbae.Api.Core.V1;

namespace Hanbae.Kubelet.Static;

/// <summary>How static Pods (of files on the node) and their mirrors (in the API, so that users see them) are known: upstream's annotations.</summary>
static class StaticPods
{
    public const string SourceAnnotation = "kubernetes.io/config.source", SeenAnnotation = "kubernetes.io/config.seen", HashAnnotation = "kubernetes.io/config.hash",
        MirrorAnnotation = "kubernetes.io/config.mirror";

    public static bool IsStatic(this Pod pod) => pod.Metadata.Annotations.TryGet(SourceAnnotation, out string? source) && source is not ("" or "api") && !pod.IsMirror();

    public static bool IsMirror(this Pod pod) => pod.Metadata.Annotations.ContainsKey(MirrorAnnotation);
}
