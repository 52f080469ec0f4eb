namespace Hanbae.Store;

public enum ChangeKind : byte
{
    Put,
    Delete,
    /// <summary>Nothing changed: all changes of the watched range up to the revision have been seen.</summary>
    Progress,
}

/// <summary>What a watch tells: one write, or how far it is. Shared by all watchers.</summary>
/// <param name="Value">What was put, or what was deleted; empty in <see cref="ChangeKind.Progress"/>.</param>
/// <param name="CreateRevision">That of the entry that was put or deleted.</param>
public sealed record Change(ChangeKind Kind, Key Key, ReadOnlyMemory<byte> Value, Revision Revision, Revision CreateRevision)
{
    public bool IsCreate => Kind == ChangeKind.Put && CreateRevision == Revision;

    public static Change Progress(Revision revision) => new(ChangeKind.Progress, default, default, revision, default);
    internal static Change Put(Entry entry) => new(ChangeKind.Put, entry.Key, entry.Value, entry.ModRevision, entry.CreateRevision);
    internal static Change Delete(Entry gone, Revision revision) => new(ChangeKind.Delete, gone.Key, gone.Value, revision, gone.CreateRevision);
}
