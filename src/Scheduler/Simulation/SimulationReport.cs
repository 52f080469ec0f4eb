using System.Collections.Immutable;
using Hanbae.Api;

namespace Hanbae.Scheduler.Simulation;

/// <summary>Where Pods would go, who stays without a node and why, and what nodes would have to be added.</summary>
/// <param name="Needed">How many nodes of each template; only those that are needed.</param>
public sealed record SimulationReport(ImmutableArray<Placement> Placed, ImmutableArray<Stranded> Pending, ImmutableArray<Displacement> Displaced, ImmutableArray<NodeNeed> Needed);

/// <param name="Workload">As kind/namespace/name.</param>
/// <param name="OnNewNode">The node is one of those that would have to be added.</param>
public sealed record Placement(Key Pod, string Workload, string Node, bool OnNewNode);

/// <summary>A Pod that no node takes.</summary>
/// <param name="Message">As its condition would have it.</param>
/// <param name="Why">By node; of the first Pod of each workload only, null for the others.</param>
public sealed record Stranded(Key Pod, string Workload, string Message, Why.Report? Why);

/// <summary>A Pod that would be made to go for one of higher priority.</summary>
public sealed record Displacement(Key Pod, string Node, Key For);

public sealed record NodeNeed(string Template, int Count);
