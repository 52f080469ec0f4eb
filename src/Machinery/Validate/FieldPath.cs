using System.Globalization;

namespace Hanbae.Machinery.Validate;

/// <summary>Where in an object a rule looks: only written out when something is wrong there.</summary>
public sealed class FieldPath
{
    readonly FieldPath? _parent;
    readonly string? _name;
    readonly int _index;
    readonly bool _isKey;

    FieldPath(FieldPath? parent, string? name, int index, bool isKey) => (_parent, _name, _index, _isKey) = (parent, name, index, isKey);

    public static FieldPath Metadata { get; } = Of("metadata");
    public static FieldPath Spec { get; } = Of("spec");
    public static FieldPath Of(string name) => new(null, name, 0, false);

    /// <summary>The field <c>.name</c>.</summary>
    public FieldPath this[string name] => new(this, name, 0, false);
    /// <summary>The item <c>[index]</c>.</summary>
    public FieldPath this[int index] => new(this, null, index, false);
    /// <summary>The entry <c>[key]</c> of a map.</summary>
    public FieldPath Key(string key) => new(this, key, 0, true);

    public override string ToString() =>
        _name is null ? _parent + "[" + _index.ToString(CultureInfo.InvariantCulture) + "]"
        : _isKey ? _parent + "[" + _name + "]"
        : _parent is null ? _name : _parent + "." + _name;
}
