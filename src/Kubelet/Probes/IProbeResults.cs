namespace Hanbae.Kubelet.Probes;

public enum ProbeKind { Startup, Liveness, Readiness }

public enum ProbeVerdict { Unknown, Success, Failure }

/// <summary>The last word of each probe on each running container.</summary>
public interface IProbeResults
{
    /// <returns>Unknown also where there is no such probe.</returns>
    ProbeVerdict Get(string containerId, ProbeKind kind);
}
