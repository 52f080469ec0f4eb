namespace Hanbae.Api;

/// <summary>What a queue holds of an object: its namespace (empty when it has none) and name.</summary>
public readonly record struct Key(string Namespace, string Name)
{
    public static Key Of(IObject obj) => new(obj.Metadata.Namespace, obj.Metadata.Name);

    /// <summary><c>default/web</c>, or <c>node-1</c>.</summary>
    public override string ToString() => Namespace.Length == 0 ? Name : Namespace + "/" + Name;

    public static Key Parse(string text) => text.IndexOf('/') is >= 0 and var slash ? new(text[..slash], text[(slash + 1)..]) : new("", text);
}
