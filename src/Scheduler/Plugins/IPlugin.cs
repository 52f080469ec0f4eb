namespace Hanbae.Scheduler.Plugins;

/// <summary>What may make a Pod schedulable that was not: a refusal names its cures, so that only they wake the Pod (KEP-4247).</summary>
[Flags]
internal enum Change
{
    None = 0,
    NodeAdded = 1, NodeAllocatable = 2, NodeLabels = 4, NodeTaints = 8, NodeUncordoned = 16,
    PodRemoved = 32, PodUpdated = 64,
    Any = ~0,
}

/// <summary>What a plugin says of a Pod on a node.</summary>
/// <param name="Reason">Null when it fits; shown to users, counted over nodes.</param>
/// <param name="CurableBy">Changes after which it is worth asking again.</param>
/// <param name="Hopeless">No eviction would help.</param>
internal readonly record struct Verdict(string? Reason, Change CurableBy, bool Hopeless)
{
    public static Verdict Fits => default;
    public static Verdict Refuse(string reason, Change curableBy, bool hopeless = false) => new(reason, curableBy, hopeless);
    public bool Ok => Reason is null;
}

/// <summary>Says whether a Pod can run on a node: a pure function of both.</summary>
internal interface IFilter
{
    Verdict Filter(PodInfo pod, NodeInfo node);
}

/// <summary>Says how well a Pod would run on a node.</summary>
internal interface IScore
{
    /// <summary>False when every node would score the same for this Pod.</summary>
    bool Concerns(PodInfo pod) => true;

    /// <returns>0 to 100, or any scale when <see cref="Scale"/> says so.</returns>
    long Score(PodInfo pod, NodeInfo node);

    /// <summary>How raw scores become 0 to 100.</summary>
    Scaling Scale => Scaling.AsIs;
}

internal enum Scaling { AsIs, ToMost, ToMostReversed }
