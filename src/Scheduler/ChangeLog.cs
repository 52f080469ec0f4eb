namespace Hanbae.Scheduler;

/// <summary>Nodes in the order in which anything of them changed: who keeps up with it asks again about these and no others.</summary>
/// <remarks>Keeps the last <see cref="Kept"/>; who has read less begins anew.</remarks>
internal sealed class ChangeLog
{
    const int Kept = 8192;

    readonly NodeInfo[] _last = new NodeInfo[Kept];

    /// <summary>How many there were since the beginning.</summary>
    public long Count { get; private set; }

    public void Add(NodeInfo node) => _last[Count++ % Kept] = node;

    /// <param name="at">Of those that are kept.</param>
    public NodeInfo this[long at] => _last[at % Kept];

    public bool Keeps(long from) => Count - from <= Kept;
}
