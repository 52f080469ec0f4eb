using Hanbae.Proxy.Rules;

namespace Hanbae.Proxy.Policies;

/// <summary>A port that policies mean by name: which number that is, each Pod says for itself.</summary>
internal readonly record struct PortName(string Name, string Protocol)
{
    /// <summary>The set of addresses with the protocols and numbers that have this name there.</summary>
    public string Set => "port-" + RuleName.Of($"{Name}/{Protocol}");

    /// <summary>What of a Pod is in the set.</summary>
    public IEnumerable<string> Elements(PolicyPod pod)
    {
        foreach (var port in pod.Ports)
            if (port.Name == Name && port.Protocol == Protocol) yield return $"{pod.Address} . {Protocol.ToLowerInvariant()} . {port.Number}";
    }
}
