namespace Hanbae.Kubelet.Runtime;

/// <summary>What the kubelet writes on sandboxes and containers to know them again after a restart: upstream's names, so that its tools (and itself) know them too.</summary>
static class RuntimeLabels
{
    public const string PodName = "io.kubernetes.pod.name";
    public const string PodNamespace = "io.kubernetes.pod.namespace";
    public const string PodUid = "io.kubernetes.pod.uid";
    public const string ContainerName = "io.kubernetes.container.name";

    public const string Hash = "io.kubernetes.container.hash";
    public const string RestartCount = "io.kubernetes.container.restartCount";
    public const string TerminationMessagePath = "io.kubernetes.container.terminationMessagePath";
    public const string TerminationMessagePolicy = "io.kubernetes.container.terminationMessagePolicy";
    public const string PreStop = "io.kubernetes.container.preStopHandler";
    public const string Ports = "io.kubernetes.container.ports";
    public const string PodTerminationGracePeriod = "io.kubernetes.pod.terminationGracePeriod";

    public const string ConfigSource = "kubernetes.io/config.source";
}
