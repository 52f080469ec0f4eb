namespace Hanbae.Api.Json;

/// <summary>Makes a <see cref="JsonObject"/> of many changes without an object per change.</summary>
public sealed class JsonObjectBuilder
{
    JsonMember[] _members;
    int _count;
    int _removed;
    Dictionary<string, int>? _index;

    public JsonObjectBuilder(int capacity = 4) => _members = new JsonMember[Math.Max(capacity, 4)];

    public JsonObjectBuilder(JsonObject from)
    {
        _members = [.. from.Members, default];
        _count = from.Count;
    }

    public int Count => _count - _removed;

    public JsonValue? this[string name] => IndexOf(name) is >= 0 and var i ? _members[i].Value : null;

    /// <summary>Sets a member: in its place if it is there, else at the end.</summary>
    public void Set(string name, JsonValue value)
    {
        int i = IndexOf(name);
        if (i >= 0) { _members[i] = new(_members[i].Name, value); return; }
        if (_count == _members.Length) Array.Resize(ref _members, _count * 2);
        _index?.Add(name, _count);
        _members[_count++] = new(name, value);
    }

    public bool Remove(string name)
    {
        int i = IndexOf(name);
        if (i < 0) return false;
        _index?.Remove(name);
        _members[i] = default;
        _removed++;
        return true;
    }

    /// <summary>The members as they stand; do not change the builder while enumerating.</summary>
    public IEnumerable<JsonMember> Members() => _members.Take(_count).Where(m => m.Name is not null);

    public JsonObject Build()
    {
        if (Count == 0) return JsonObject.Empty;
        var members = new JsonMember[Count];
        int to = 0;
        for (int i = 0; i < _count; i++)
            if (_members[i].Name is not null) members[to++] = _members[i];
        return new JsonObject(members);
    }

    int IndexOf(string name)
    {
        if (_count > JsonObject.IndexFrom)
        {
            if (_index is null)
            {
                _index = new(_count * 2, StringComparer.Ordinal);
                for (int i = 0; i < _count; i++)
                    if (_members[i].Name is { } known) _index[known] = i;
            }
            return _index.TryGetValue(name, out int at) ? at : -1;
        }
        for (int i = 0; i < _count; i++)
            if (string.Equals(_members[i].Name, name)) return i;
        return -1;
    }
}
