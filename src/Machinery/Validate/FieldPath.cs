using System.Globalization;
using System.Numerics;

namespace Hanbae.Machinery.Validate;

/// <summary>Where in an object a rule looks: only written out when something is wrong there.</summary>
/// <remarks>
/// Rules name some sixty places of every Pod that is written: those of metadata and spec are made once and found again. Bound: 4,096 places, no
/// deeper than twelve steps and within the first 32 items of a list; a place beyond them is made each time.
/// </remarks>
public sealed class FieldPath
{
    const int MostKept = 4096, Deepest = 12;
    static int s_kept;

    readonly FieldPath? _parent;
    readonly string? _name;
    readonly int _index;
    readonly bool _isKey;
    /// <summary>The places below; null where none is kept.</summary>
    readonly Places? _below;

    FieldPath(FieldPath? parent, string? name, int index, bool isKey, Places? below = null) => (_parent, _name, _index, _isKey, _below) = (parent, name, index, isKey, below);

    public static FieldPath Metadata { get; } = new(null, "metadata", 0, false, new(0));
    public static FieldPath Spec { get; } = new(null, "spec", 0, false, new(0));
    public static FieldPath Of(string name) => new(null, name, 0, false);

    /// <summary>The field <c>.name</c>.</summary>
    public FieldPath this[string name] => _below is { } below ? below.Field(this, name) : new(this, name, 0, false);
    /// <summary>The item <c>[index]</c>.</summary>
    public FieldPath this[int index] => _below is { } below ? below.Item(this, index) : new(this, null, index, false);
    /// <summary>The entry <c>[key]</c> of a map.</summary>
    public FieldPath Key(string key) => new(this, key, 0, true);

    public override string ToString() =>
        _name is null ? _parent + "[" + _index.ToString(CultureInfo.InvariantCulture) + "]"
        : _isKey ? _parent + "[" + _name + "]"
        : _parent is null ? _name : _parent + "." + _name;

    /// <summary>What was asked for below a place; read without a lock.</summary>
    sealed class Places(int depth)
    {
        const int MostFields = 64, MostItems = 32;

        /// <summary>By a hash of the name, half of it empty; replaced, never changed.</summary>
        volatile FieldPath?[] _fields = new FieldPath?[4];
        volatile FieldPath?[] _items = [];
        readonly Lock _keeping = new();
        int _count;

        public FieldPath Field(FieldPath of, string name)
        {
            var fields = _fields;
            return fields[Find(fields, name)] ?? Keep(of, name);
        }

        public FieldPath Item(FieldPath of, int index)
        {
            var items = _items;
            return (uint)index < (uint)items.Length && items[index] is { } there ? there : Keep(of, index);
        }

        /// <summary>Where the field is, or would go.</summary>
        static int Find(FieldPath?[] fields, string name)
        {
            int mask = fields.Length - 1, at = (name.Length == 0 ? 0 : name.Length + name[0] * 7 + name[^1] * 31) & mask;
            while (fields[at] is { } there && there._name != name) at = (at + 1) & mask;
            return at;
        }

        Places? TakePlace() => depth < Deepest && s_kept < MostKept && Interlocked.Increment(ref s_kept) <= MostKept ? new(depth + 1) : null;

        FieldPath Keep(FieldPath of, string name)
        {
            lock (_keeping)
            {
                if (_fields[Find(_fields, name)] is { } there) return there;
                if (_count == MostFields || TakePlace() is not { } below) return new(of, name, 0, false);
                var fields = new FieldPath?[Math.Max(4, (int)BitOperations.RoundUpToPowerOf2((uint)++_count * 2))];
                foreach (var field in _fields) if (field is not null) fields[Find(fields, field._name!)] = field;
                var made = fields[Find(fields, name)] = new(of, name, 0, false, below);
                _fields = fields;
                return made;
            }
        }

        FieldPath Keep(FieldPath of, int index)
        {
            if ((uint)index >= MostItems) return new(of, null, index, false);
            lock (_keeping)
            {
                var items = _items;
                if (index < items.Length && items[index] is { } there) return there;
                if (TakePlace() is not { } below) return new(of, null, index, false);
                FieldPath?[] grown = [.. items, .. new FieldPath?[Math.Max(0, index + 1 - items.Length)]];
                var made = grown[index] = new(of, null, index, false, below);
                _items = grown;
                return made;
            }
        }
    }
}
