namespace Hanbae.Kubelet.Probes;

public enum ProbeKind { Startup, Liveness, Readiness }

/// <summary>What a probe says; <c>Warning</c> is success that is worth an event, and never the last word kept.</summary>
public enum ProbeVerdict { Unknown, Success, Failure, Warning }

/// <summary>The last word of each probe on each running container.</summary>
public interface IProbeResults
{
    /// <returns>Unknown also where there is no such probe.</returns>
    ProbeVerdict Get(string containerId, ProbeKind kind);
}
