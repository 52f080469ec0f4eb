using System.Collections.Frozen;
using System.Collections.Immutable;
using Hanbae.Api.Core.V1;

namespace Hanbae.Controllers.Services;

/// <summary>The nodes that take traffic for balanced Services, by address: worked out once for all Services when a node changes.</summary>
sealed class BalancingNodes(ImmutableArray<BalancingNodes.One> all, FrozenSet<int> agentPorts)
{
    const string Excluded = "node.kubernetes.io/exclude-from-external-load-balancers";

    /// <param name="Four">Its address of that family, if it has one.</param>
    public sealed record One(string Name, string? Four, string? Six);

    readonly FrozenDictionary<string, One> _byName = all.ToFrozenDictionary(n => n.Name);

    /// <summary>By name.</summary>
    public ImmutableArray<One> All => all;

    /// <summary>Ports that nodes are reached by themselves, of those that take nothing, too.</summary>
    public FrozenSet<int> AgentPorts => agentPorts;

    public One? Find(string name) => _byName.GetValueOrDefault(name);

    public static BalancingNodes Of(IReadOnlyCollection<Node> nodes) => new(
        [.. nodes.Where(Takes).OrderBy(n => n.Metadata.Name, StringComparer.Ordinal).Select(n => new One(n.Metadata.Name, Address(n, false), Address(n, true)))],
        nodes.Select(n => AgentPort(n)!.Value).ToFrozenSet());

    public static int? AgentPort(Node? node) => node?.Status.DaemonEndpoints.KubeletEndpoint.Port;

    public static bool Takes(Node node) => node.Metadata.DeletionTimestamp is null && !node.Metadata.Labels.ContainsKey(Excluded)
        && node.Status.Conditions.Exists(c => c is { Type: "Ready", Status: "True" });

    /// <summary>The one that others reach, where a node tells of one.</summary>
    static string? Address(Node node, bool six)
    {
        foreach (string type in (string[])["ExternalIP", "InternalIP"])
            foreach (var address in node.Status.Addresses)
                if (address.Type == type && address.Address.Contains(':') == six) return address.Address;
        return null;
    }
}
