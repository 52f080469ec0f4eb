using System.Globalization;
using Hanbae.Api;

namespace Hanbae.Client;

/// <summary>What a follower of a resource learns, one thing at a time.</summary>
public enum SyncKind : byte
{
    /// <summary>A full list begins: what was gathered of an earlier, unfinished one is void.</summary>
    Init,
    /// <summary>One object of the list.</summary>
    InitItem,
    /// <summary>The list is complete: what it did not hold is gone.</summary>
    InitDone,
    /// <summary>An object was added or changed.</summary>
    Applied,
    /// <summary>An object was deleted; this is its last state.</summary>
    Deleted,
    /// <summary>Nothing else happened up to a revision.</summary>
    Progress,
    /// <summary>The watch is away: what happens from now on is not known.</summary>
    Interrupted,
    /// <summary>The watch goes on where it was interrupted, or a list told what happened meanwhile.</summary>
    Resumed,
}

/// <inheritdoc cref="SyncKind"/>
/// <param name="ResourceVersion">How far one is told of with this: with the end of a list, and with progress.</param>
public readonly record struct SyncEvent(SyncKind Kind, IObject? Object = null, string ResourceVersion = "")
{
    internal static ulong? Number(string version) => ulong.TryParse(version, NumberStyles.None, CultureInfo.InvariantCulture, out ulong number) ? number : null;

    /// <summary>Whether a revision comes after another; true where that cannot be told.</summary>
    internal static bool IsNewer(string version, string than) =>
        Number(version) is not { } a || Number(than) is not { } b || a > b;
}
