using System.Collections.Immutable;

namespace Hanbae.Machinery.Apply;

/// <summary>An apply would change fields of others, and was not told to take them.</summary>
public sealed class ConflictException(IReadOnlyList<FieldConflict> conflicts) : Exception(MessageOf(conflicts))
{
    public IReadOnlyList<FieldConflict> Conflicts { get; } = conflicts;

    static string MessageOf(IReadOnlyList<FieldConflict> conflicts)
    {
        if (conflicts.Count == 1) return $"Apply failed with 1 conflict: conflict with {conflicts[0].Owner}: {conflicts[0].Field}";
        var lines = conflicts.GroupBy(c => c.Owner).SelectMany(g => g.Select(c => "- " + c.Field).Prepend($"conflicts with {g.Key}:"));
        return $"Apply failed with {conflicts.Count} conflicts: {string.Join("\n", lines)}";
    }
}

/// <summary>One field that somebody else owns.</summary>
public sealed record FieldConflict(Owner Owner, ImmutableArray<PathElement> Path)
{
    /// <summary>Such as <c>.spec.containers[name="web"].image</c>.</summary>
    public string Field => string.Concat(Path);
}
