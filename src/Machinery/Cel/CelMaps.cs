using Hanbae.Api.Json;

namespace Hanbae.Machinery.Cel;

/// <summary>A key by what it equals: 1, 1u and 1.0 are one key.</summary>
readonly record struct CelKey(byte Tag, Int128 Number, string? Text)
{
    public static CelKey? Of(CelValue value) => value switch
    {
        CelString s => new(1, 0, s.Value),
        CelBool b => new(2, b.Value ? 1 : 0, null),
        CelInt i => new(3, i.Value, null),
        CelUint u => new(3, u.Value, null),
        CelDouble { Value: var d } when d >= -9223372036854775808.0 && d < 18446744073709551616.0 && Math.Floor(d) == d => new(3, (Int128)d, null),
        CelDouble d => new(4, BitConverter.DoubleToInt64Bits(d.Value), null),
        _ => null,
    };
}

/// <summary>Values by key: JSON objects, literals, requests.</summary>
public abstract class CelMap : CelValue
{
    private protected CelMap() { }

    public override CelKind Kind => CelKind.Map;
    public override CelType Type => CelType.AnyMap;
    public abstract int Count { get; }
    /// <summary>The value of that key, or null; may be an error.</summary>
    public abstract CelValue? Find(CelValue key);
    public abstract IEnumerable<CelValue> Keys { get; }
    internal sealed override ulong Size => (ulong)Count;
    internal override bool IsZero => Count == 0;

    public static CelMap Empty { get; } = CelEntries.Of([]);
    public static CelMap Of(params ReadOnlySpan<(CelValue Key, CelValue Value)> entries) => CelEntries.Of(entries);
}

/// <summary>Entries of an expression; like <see cref="CelItems"/>, inserting into the newest view of a growing buffer is done in place.</summary>
sealed class CelEntries : CelMap
{
    readonly List<(CelValue Key, CelValue Value)> _entries;
    readonly Dictionary<CelKey, int> _index;

    readonly bool _grows;

    CelEntries(List<(CelValue, CelValue)> entries, Dictionary<CelKey, int> index, bool grows) => (_entries, _index, Count, _grows) = (entries, index, entries.Count, grows);

    public override int Count { get; }

    internal static CelEntries Of(ReadOnlySpan<(CelValue Key, CelValue Value)> entries, bool grows = false)
    {
        var list = new List<(CelValue, CelValue)>(entries.Length);
        var index = new Dictionary<CelKey, int>(entries.Length);
        foreach (var (key, value) in entries)
        {
            if (CelKey.Of(key) is not { } k) continue;
            if (index.TryGetValue(k, out int at)) list[at] = (key, value);
            else
            {
                index.Add(k, list.Count);
                list.Add((key, value));
            }
        }
        return new(list, index, grows);
    }

    public override CelValue? Find(CelValue key)
    {
        if (CelKey.Of(key) is not { } k) return null;
        return _index.TryGetValue(k, out int at) && at < Count ? _entries[at].Value : null;
    }

    public override IEnumerable<CelValue> Keys
    {
        get { for (int i = 0; i < Count; i++) yield return _entries[i].Key; }
    }

    /// <summary>The map with one more entry, or an error when the key is there.</summary>
    internal CelValue Insert(CelValue key, CelValue value)
    {
        if (CelKey.Of(key) is not { } k) return new CelError("unsupported key type: " + key.Type.Name);
        if (_index.TryGetValue(k, out int at) && at < Count) return new CelError($"insert failed: key {Text.ValueText.Plain(key)} already exists");
        if (!_grows || Count != _entries.Count) return Of([.. _entries.Take(Count), (key, value)], grows: true);
        _index.Add(k, Count);
        _entries.Add((key, value));
        return new CelEntries(_entries, _index, true);
    }
}

/// <summary>A JSON object seen through its schema: a map with its keys, or an object with identifiers for its properties.</summary>
sealed class CelJsonMap(JsonObject json, CelSchema schema) : CelMap
{
    internal JsonObject Json => json;
    internal CelSchema Schema => schema;
    public override int Count => json.Count;

    public override CelValue? Find(CelValue key)
    {
        if (key is not CelString { Value: var name }) return null;
        if (schema.Kind != CelSchemaKind.Object) return json[name] is { } value ? CelJson.Wrap(value, schema.Kind == CelSchemaKind.Map ? schema.Items! : CelSchema.Dyn) : null;
        // A property that is null is as good as absent.
        return schema.ByIdentifier(name) is { } property && json[property.Name] is { } member and not JsonNull ? CelJson.Wrap(member, property.Value) : null;
    }

    public override IEnumerable<CelValue> Keys
    {
        get
        {
            foreach (var member in json.Members)
                if (schema.Kind != CelSchemaKind.Object) yield return new CelString(member.Name);
                else if (schema.ByName(member.Name)?.Identifier is { } identifier && member.Value is not JsonNull) yield return new CelString(identifier);
        }
    }
}

/// <summary>A typed object made by an expression (<c>Object.spec{…}</c>, <c>JSONPatch{…}</c>) or by the server (<c>request</c>).</summary>
public sealed class CelObject(CelType type, IReadOnlyDictionary<string, CelValue> fields) : CelMap
{
    public override CelKind Kind => CelKind.Object;
    public override CelType Type => type;
    public IReadOnlyDictionary<string, CelValue> Fields => fields;
    public override int Count => fields.Count;
    public override CelValue? Find(CelValue key) => key is CelString name ? fields.GetValueOrDefault(name.Value) : null;
    public override IEnumerable<CelValue> Keys => fields.Keys.Select(k => (CelValue)new CelString(k));
}

/// <summary>An object whose fields are computed when first selected, each once: the <c>variables</c> of a policy.</summary>
/// <remarks>Lives as long as one request; not for several threads.</remarks>
public sealed class CelLazyObject(CelType type, IReadOnlyDictionary<string, Func<CelValue>> fields) : CelMap
{
    readonly Dictionary<string, CelValue> _known = new(StringComparer.Ordinal);

    public override CelKind Kind => CelKind.Object;
    public override CelType Type => type;
    public override int Count => fields.Count;

    public override CelValue? Find(CelValue key)
    {
        if (key is not CelString { Value: var name } || !fields.TryGetValue(name, out var compute)) return null;
        return _known.TryGetValue(name, out var value) ? value : _known[name] = compute();
    }

    public override IEnumerable<CelValue> Keys => fields.Keys.Select(k => (CelValue)new CelString(k));
}
