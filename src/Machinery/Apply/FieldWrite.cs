namespace Hanbae.Machinery.Apply;

/// <summary>A write as ownership sees it: whose, of what version, through which door, and when.</summary>
public sealed record FieldWrite
{
    public required string Manager { get; init; }
    public required string ApiVersion { get; init; }
    public required ApplyType Type { get; init; }
    /// <summary>Whether the type may be another than when the account was last written.</summary>
    public bool TypeChanges { get; init; }
    /// <summary>Empty for the object itself.</summary>
    public string Subresource { get; init; } = "";
    /// <summary>The fields that this door changes; null for all.</summary>
    public FieldFilter? Filter { get; init; }
    public required DateTimeOffset Now { get; init; }
    /// <summary>A new object of the kind with nothing set, as JSON: what a created one is compared with.</summary>
    public required byte[] Blank { get; init; }
    /// <summary>How owners of other versions see the object.</summary>
    public required IVersions Versions { get; init; }
}

/// <summary>The versions of a kind.</summary>
public interface IVersions
{
    /// <summary>The type in a version, or null when there is no such version any more.</summary>
    ApplyType? TypeOf(string apiVersion);
    /// <param name="json">A whole object in the version <paramref name="from"/>.</param>
    byte[] Convert(byte[] json, string from, string to);
}
