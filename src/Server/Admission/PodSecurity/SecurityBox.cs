using Hanbae.Api;
using Hanbae.Api.Core.V1;

namespace Hanbae.Server.Admission.PodSecurity;

/// <summary>What checks look at of a container, of whichever kind it is.</summary>
readonly record struct SecurityBox(string Name, SecurityContext? Security, Seq<ContainerPort> Ports, Probe?[] Probes, Lifecycle? Lifecycle)
{
    /// <summary>Init containers first, those added to a running Pod last.</summary>
    public static IEnumerable<SecurityBox> Of(PodSpec spec)
    {
        foreach (var c in spec.InitContainers) yield return Of(c);
        foreach (var c in spec.Containers) yield return Of(c);
        foreach (var c in spec.EphemeralContainers) yield return new(c.Name, c.SecurityContext, c.Ports, [c.LivenessProbe, c.ReadinessProbe, c.StartupProbe], c.Lifecycle);
    }

    static SecurityBox Of(Container c) => new(c.Name, c.SecurityContext, c.Ports, [c.LivenessProbe, c.ReadinessProbe, c.StartupProbe], c.Lifecycle);
}
