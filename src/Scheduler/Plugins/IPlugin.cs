namespace Hanbae.Scheduler.Plugins;

/// <summary>What a plugin says of a Pod on a node.</summary>
/// <param name="Reason">Null when it fits; shown to users, counted over nodes; several reasons stand on lines of their own.</param>
/// <param name="Hopeless">No eviction would help (upstream's UnschedulableAndUnresolvable).</param>
/// <param name="Plugin">The place of who said so in the profile's plugins; filled in by the profile.</param>
/// <param name="Broken">It cannot be said of this node, and so of none: the Pod is tried again after a pause.</param>
internal readonly record struct Verdict(string? Reason, bool Hopeless = false, int Plugin = -1, bool Broken = false)
{
    public static Verdict Fits => default;
    public static Verdict Refuse(string reason, bool hopeless = false) => new(reason, hopeless);
    public bool Ok => Reason is null;
}

/// <summary>A rule of scheduling; the interfaces below are the points at which it is asked, in their order.</summary>
/// <remarks>Plugins decide by the Pod and the snapshot alone. What one works out for a Pod before it looks at nodes it keeps in itself until the next
/// Pod: a plugin serves one profile, and a profile decides one Pod at a time.</remarks>
internal interface IPlugin
{
    string Name { get; }
    /// <summary>Changes after which a Pod that this plugin refused is worth another look.</summary>
    Change Cures => Change.None;
    /// <summary>Whether this very change may help this very Pod; asked for the <see cref="Cures"/> only.</summary>
    bool MayCure(PodInfo pod, in ClusterChange change) => true;
    /// <summary>By what it tells whether a Pod's going may help: one answer is good for all Pods of which this is equal. Null: each is asked about.</summary>
    RoomWanted? CuredAlike(PodInfo pod) => null;
}

/// <summary>What is asked of a node on which room was made.</summary>
/// <param name="Promised">Others are leaving some node for the Pod already: it has nobody else displaced.</param>
internal readonly record struct RoomWanted(Resources Requests, int Priority, bool Promised);

/// <summary>Keeps a Pod out of the queue.</summary>
internal interface IPreEnqueue : IPlugin
{
    /// <returns>Why the Pod may not be looked at yet; null when it may.</returns>
    string? PreEnqueue(PodInfo pod, Snapshot snapshot);
}

/// <summary>Says which of the Pods that wait goes first.</summary>
internal interface IQueueSort : IPlugin
{
    int Compare(PodInfo a, long queuedA, PodInfo b, long queuedB);
}

/// <summary>What a plugin found before it looked at nodes.</summary>
/// <param name="Refusal">Refuses all nodes at once.</param>
/// <param name="Skip">Nothing to filter for this Pod.</param>
/// <param name="Only">No other nodes than these come into question.</param>
internal readonly record struct Prefiltered(Verdict Refusal = default, bool Skip = false, IReadOnlySet<string>? Only = null)
{
    public static Prefiltered Go => default;
    public static Prefiltered Nothing => new(Skip: true);
}

/// <summary>Works out what is the same for all nodes.</summary>
internal interface IPreFilter : IPlugin
{
    Prefiltered PreFilter(PodInfo pod, Snapshot snapshot);
    /// <summary>What it works out depends on the Pods that nodes have, and has to be worked out anew when one is taken away to see what would be.</summary>
    bool FollowsPods => false;
}

/// <summary>Says whether a Pod can run on a node.</summary>
internal interface IFilter : IPlugin
{
    Verdict Filter(PodInfo pod, NodeInfo node);
    /// <summary>What it says depends on the node, its own Pods and the <see cref="PodShape"/> alone.</summary>
    bool GoesByShape => false;
}

/// <summary>Makes room when no node fits.</summary>
internal interface IPostFilter : IPlugin
{
    PostFiltered PostFilter(PodInfo pod, Cycle cycle);
}

/// <summary>What would make room for a Pod.</summary>
/// <param name="Node">Empty when nothing would.</param>
/// <param name="Victims">Who has to go.</param>
/// <param name="Waits">Room was made before, and is still being made.</param>
internal readonly record struct PostFiltered(string Message, string Node = "", IReadOnlyList<PodInfo>? Victims = null, bool Waits = false)
{
    /// <summary>A claim as it is to be written: devices that are of no use where they are.</summary>
    public Api.Resource.V1.ResourceClaim? Frees { get; init; }
    /// <summary>Ways to make room, when others have a say in which is taken.</summary>
    public List<DefaultPreemption.Candidate>? Candidates { get; init; }
}

/// <summary>Says how well a Pod would run on a node.</summary>
internal interface IScore : IPlugin
{
    /// <summary>Works out what is the same for all nodes that fit.</summary>
    /// <returns>False when every node would score the same for this Pod.</returns>
    bool PreScore(PodInfo pod, Snapshot snapshot, ReadOnlySpan<NodeInfo> fits) => true;

    /// <returns>0 to 100, or any scale when <see cref="Normalize"/> makes it so.</returns>
    long Score(PodInfo pod, NodeInfo node);

    /// <summary>Brings raw scores to 0 to 100.</summary>
    void Normalize(PodInfo pod, ReadOnlySpan<NodeInfo> fits, Span<long> scores) { }
}

/// <summary>Takes what the Pod needs besides a node, from the decision on.</summary>
internal interface IReserve : IPlugin
{
    /// <returns>Why it cannot be had; null when it is taken.</returns>
    string? Reserve(PodInfo pod, NodeInfo node, Snapshot snapshot);
    void Unreserve(PodInfo pod, Snapshot snapshot);
}

/// <summary>Holds a Pod back between decision and binding.</summary>
internal interface IPermit : IPlugin
{
    Task<string?> PermitAsync(PodInfo pod, string node, CancellationToken ct);
}

/// <summary>Does what has to be done before a Pod is bound.</summary>
internal interface IPreBind : IPlugin
{
    /// <summary>Whether there is anything to do: Pods that need nothing do not wait.</summary>
    bool Concerns(PodInfo pod);
    /// <returns>Why the Pod cannot be bound; null when it can.</returns>
    Task<string?> PreBindAsync(PodInfo pod, string node, Client.IClusterAccess cluster, CancellationToken ct);
}

/// <summary>Takes back what <see cref="IPreBind"/> wrote, when the Pod was not bound after all; asked before <see cref="IReserve.Unreserve"/>.</summary>
internal interface IRelease : IPlugin
{
    Task ReleaseAsync(PodInfo pod, Client.IClusterAccess cluster, CancellationToken ct);
}

/// <summary>Gives the Pod its node.</summary>
internal interface IBind : IPlugin
{
    Task BindAsync(PodInfo pod, string node, Client.IClusterAccess cluster, CancellationToken ct);
}

/// <summary>Is told that a Pod was bound.</summary>
internal interface IPostBind : IPlugin
{
    void PostBind(PodInfo pod, string node);
}

/// <summary>How raw scores become 0 to 100 for most plugins.</summary>
internal static class Scores
{
    public const long Most = 100;

    /// <summary>In proportion to the highest.</summary>
    public static void ToMost(Span<long> scores, bool reverse)
    {
        long most = 0;
        foreach (long s in scores) most = Math.Max(most, s);
        for (int i = 0; i < scores.Length; i++)
        {
            long share = most == 0 ? 0 : scores[i] * Most / most;
            scores[i] = reverse ? Most - share : share;
        }
    }
}
