using System.Collections.ObjectModel;

namespace Hanbae.Server;

/// <summary>What a client is told beside its answer, in the order in which it came up: a write that is tried again says nothing twice.</summary>
public sealed class SaidOnce : Collection<string>
{
    protected override void InsertItem(int index, string item)
    {
        if (!Contains(item)) base.InsertItem(index, item);
    }
}
