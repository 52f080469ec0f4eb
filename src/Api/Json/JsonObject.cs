using System.Collections;
using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;

namespace Hanbae.Api.Json;

/// <summary>A name and its value.</summary>
public readonly record struct JsonMember(string Name, JsonValue Value);

/// <summary>Named values in the order they were written, each name once.</summary>
/// <remarks>A flat array; objects of more than <see cref="IndexFrom"/> members grow an index at the first look-up.</remarks>
public sealed class JsonObject : JsonValue, IReadOnlyList<JsonMember>
{
    internal const int IndexFrom = 12;

    readonly JsonMember[] _members;
    Dictionary<string, int>? _index;

    internal JsonObject(JsonMember[] members, Dictionary<string, int>? index = null) => (_members, _index) = (members, index);

    public static JsonObject Empty { get; } = new([]);

    /// <summary>An object of these members; a name given twice keeps its last value.</summary>
    public static JsonObject Of(params ReadOnlySpan<(string Name, JsonValue Value)> members)
    {
        var builder = new JsonObjectBuilder(members.Length);
        foreach (var (name, value) in members) builder.Set(name, value);
        return builder.Build();
    }

    public override JsonKind Kind => JsonKind.Object;
    public int Count => _members.Length;
    public JsonMember this[int index] => _members[index];

    /// <summary>The value of that name, or null when there is none (a JSON null is <see cref="JsonNull"/>).</summary>
    public JsonValue? this[string name] => IndexOf(name) is >= 0 and var i ? _members[i].Value : null;

    public ImmutableArray<JsonMember> Members => ImmutableCollectionsMarshal.AsImmutableArray(_members);

    public bool Contains(string name) => IndexOf(name) >= 0;

    public bool TryGet(string name, [NotNullWhen(true)] out JsonValue? value)
    {
        int i = IndexOf(name);
        value = i >= 0 ? _members[i].Value : null;
        return i >= 0;
    }

    /// <summary>The object with that member set, in its place if it was there, at the end if not.</summary>
    public JsonObject With(string name, JsonValue value)
    {
        int i = IndexOf(name);
        if (i >= 0 && ReferenceEquals(_members[i].Value, value)) return this;
        JsonMember[] members;
        if (i >= 0) members = [.. _members];
        else
        {
            members = new JsonMember[_members.Length + 1];
            _members.CopyTo(members, 0);
            i = _members.Length;
        }
        members[i] = new(i < _members.Length ? _members[i].Name : name, value);
        return new(members, members.Length == _members.Length ? _index : null);
    }

    /// <summary>The object without that member.</summary>
    public JsonObject Without(string name)
    {
        int i = IndexOf(name);
        if (i < 0) return this;
        if (_members.Length == 1) return Empty;
        var members = new JsonMember[_members.Length - 1];
        Array.Copy(_members, members, i);
        Array.Copy(_members, i + 1, members, i, members.Length - i);
        return new(members);
    }

    internal int IndexOf(string name)
    {
        var members = _members;
        if (members.Length > IndexFrom) return Index().TryGetValue(name, out int at) ? at : -1;
        for (int i = 0; i < members.Length; i++)
            if (string.Equals(members[i].Name, name)) return i;
        return -1;
    }

    // Two threads may both build it; either result is right.
    Dictionary<string, int> Index()
    {
        if (_index is { } known) return known;
        var index = new Dictionary<string, int>(_members.Length, StringComparer.Ordinal);
        for (int i = 0; i < _members.Length; i++) index[_members[i].Name] = i;
        return _index = index;
    }

    public override bool Equals(JsonValue? other)
    {
        if (ReferenceEquals(this, other)) return true;
        if (other is not JsonObject o || o.Count != Count) return false;
        for (int i = 0; i < _members.Length; i++)
        {
            var mine = _members[i];
            // Most equal objects are in the same order: try the same place before looking it up.
            var theirs = string.Equals(o._members[i].Name, mine.Name) ? o._members[i].Value : o[mine.Name];
            if (theirs is null || !mine.Value.Equals(theirs)) return false;
        }
        return true;
    }

    public override int GetHashCode()
    {
        int hash = Count;
        foreach (var member in _members) hash += HashCode.Combine(member.Name, member.Value.GetHashCode());
        return hash;
    }

    public ReadOnlySpan<JsonMember>.Enumerator GetEnumerator() => ((ReadOnlySpan<JsonMember>)_members).GetEnumerator();
    IEnumerator<JsonMember> IEnumerable<JsonMember>.GetEnumerator() => ((IEnumerable<JsonMember>)_members).GetEnumerator();
    IEnumerator IEnumerable.GetEnumerator() => _members.GetEnumerator();
}
