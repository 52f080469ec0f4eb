using System.Buffers;
using System.Buffers.Text;
using Hanbae.Api;
using Hanbae.Api.Codec;
using Hanbae.Api.Meta.V1;
using Hanbae.Api.Schema;
using Hanbae.Server.Tables;
using Hanbae.Store.History;

namespace Hanbae.Server.Cache;

/// <summary>One version of a stored object: the bytes that every answer shares (decision 2), and what is made of them once, when first asked for.</summary>
/// <remarks>
/// The store holds JSON without resourceVersion, since it is the store that gives it. It is put in by one copy, behind the uid, where
/// upstream writes it. The decoded object is held weakly: informers in the process keep those alive that they need; others are no burden.
/// </remarks>
public sealed class Item : IVersion
{
    static readonly byte[] s_metadata = ",\"metadata\":"u8.ToArray();

    readonly SharedBytes _json;
    /// <summary>What is stored is of another form: even a write that changes nothing is one.</summary>
    bool _stale;
    int _metadataEnd;
    Encoded? _proto;
    Row? _row;
    WeakReference<IObject>? _object;
    Map<string> _labels;
    bool _hasLabels;
    Item? _other;

    Item(KindInfo kind, string key, long revision, SharedBytes json) => (Kind, Key, Revision, _json) = (kind, key, revision, json);

    public KindInfo Kind { get; }
    /// <summary><c>namespace/name</c>, or the name: what stands behind the resource's prefix in the store.</summary>
    public string Key { get; }
    public long Revision { get; }
    /// <summary>The whole object: <c>{"kind":…,"apiVersion":…,"metadata":…}</c>.</summary>
    internal SharedBytes Json => _json;
    /// <summary>The whole object but for who owns its fields.</summary>
    internal byte[] JsonWithoutFields => _json.Own;
    /// <summary>As it stands in a list behind its opening brace: without kind and apiVersion, which only custom objects repeat there.</summary>
    internal SharedBytes.Part JsonRest => _json.Slice(Kind is UnstructuredKind ? 1 : Kind.JsonPrefix.Length + 1, _json.Own.Length);
    public ReadOnlySpan<char> Namespace => Key.IndexOf('/') is >= 0 and var slash ? Key.AsSpan(0, slash) : default;
    public ReadOnlySpan<char> Name => Key.AsSpan(Key.IndexOf('/') + 1);

    /// <param name="stored">JSON without resourceVersion.</param>
    /// <param name="fresh">Just written by this server, so as it should be.</param>
    /// <param name="stale">What is stored is another form of it.</param>
    public static Item FromStored(KindInfo kind, string key, long revision, ReadOnlySpan<byte> stored, bool fresh = false, bool stale = false)
    {
        byte[]? renewed = fresh ? null : kind.Renew(stored);
        if (renewed is not null) stored = renewed;
        Span<byte> version = stackalloc byte[48];
        var field = ",\"resourceVersion\":\""u8;
        field.CopyTo(version);
        Utf8Formatter.TryFormat(revision, version[field.Length..], out int digits);
        version[field.Length + digits] = (byte)'"';
        var json = SharedBytes.OfJson(stored, Splice(stored), version[..(field.Length + digits + 1)]);
        return new(kind, key, revision, json) { _stale = stale || renewed is not null };
    }

    /// <summary>Right behind the uid. What stands before it (name, generateName, namespace) cannot contain a quote unescaped.</summary>
    static int Splice(ReadOnlySpan<byte> json)
    {
        int uid = json.IndexOf("\"uid\":\""u8);
        if (uid < 0) throw new FormatException("a stored object has no uid");
        uid += 7;
        return uid + json[uid..].IndexOf((byte)'"') + 1;
    }

    /// <summary>The same content at another revision: what a watcher is told when an object leaves its selection.</summary>
    public Item At(long revision) => FromStored(Kind, Key, revision, Stored());

    /// <summary>As the store has it: without resourceVersion.</summary>
    public byte[] Stored()
    {
        byte[] json = _json.ToArray();
        int start = Splice(json), end = start + ",\"resourceVersion\":\""u8.Length;
        end += json.AsSpan(end).IndexOf((byte)'"') + 1;
        return [.. json.AsSpan(0, start), .. json.AsSpan(end)];
    }

    /// <summary>Whether a write would change nothing but the revision.</summary>
    public bool HasContent(ReadOnlySpan<byte> stored)
    {
        if (_stale || _json.Length <= stored.Length) return false;
        byte[] buffer = ArrayPool<byte>.Shared.Rent(_json.Length);
        var json = buffer.AsSpan(0, _json.Length);
        try
        {
            _json.CopyTo(json);
            int at = Splice(json), skipped = json.Length - stored.Length;
            return at + skipped <= json.Length && stored[..Math.Min(at, stored.Length)].SequenceEqual(json[..at]) && stored[at..].SequenceEqual(json[(at + skipped)..])
                && json.Slice(at, skipped).StartsWith(",\"resourceVersion\":\""u8) && json.Slice(at + 20, skipped - 21).IndexOf((byte)'"') < 0;
        }
        finally { ArrayPool<byte>.Shared.Return(buffer); }
    }

    /// <summary>The decoded object, shared by all who hold it.</summary>
    public IObject Object
    {
        get
        {
            if (_object is { } weak && weak.TryGetTarget(out var alive)) return alive;
            if (_json.IsWhole) return Hold((IObject)Kind.Decode(_json.Own));
            byte[] buffer = ArrayPool<byte>.Shared.Rent(_json.Length);
            try
            {
                _json.CopyTo(buffer);
                return Hold((IObject)Kind.Decode(buffer.AsSpan(0, _json.Length)));
            }
            finally { ArrayPool<byte>.Shared.Return(buffer); }
        }
    }

    /// <summary>Keeps the object that the bytes were written from, so that nobody decodes them.</summary>
    /// <param name="written">With or without resourceVersion.</param>
    internal IObject Hold(IObject written)
    {
        string version = Revision.ToString(System.Globalization.CultureInfo.InvariantCulture);
        if (written.Metadata.ResourceVersion != version) written = written.WithMetadata(written.Metadata with { ResourceVersion = version });
        _object = new(written);
        return written;
    }

    /// <summary>Of what goes as it was: nobody decodes again what somebody holds.</summary>
    /// <param name="stored">What this was made from.</param>
    internal void HoldAs(Item before, ReadOnlySpan<byte> stored)
    {
        if (before._object is { } weak && weak.TryGetTarget(out var alive) && before.HasContent(stored)) Hold(alive);
    }

    /// <summary>The protobuf message, without envelope.</summary>
    internal SharedBytes Proto => (_proto ??= new(Encode.Encoder.ToProto(Object, _json))).Bytes;

    /// <summary>Lets go of what was made of a version that was superseded: few ask for it again, and those can have it made again.</summary>
    internal void Shed() => (_proto, _row, _other) = (null, null, null);

    /// <summary>Set at once, whoever reads it meanwhile.</summary>
    sealed record Encoded(SharedBytes Bytes);

    /// <summary>The metadata as JSON: a part of the object's bytes.</summary>
    internal SharedBytes.Part MetadataJson
    {
        get
        {
            int start = Kind.JsonPrefix.Length + s_metadata.Length;
            if (_metadataEnd == 0)
            {
                var reader = new JsonReader(_json.Own.AsSpan(start));
                reader.Skip();
                _metadataEnd = start + reader.Position;
            }
            return _json.Slice(start, _metadataEnd);
        }
    }

    public ObjectMeta ReadMetadata()
    {
        var metadata = MetadataJson;
        byte[] json = new byte[metadata.Length];
        metadata.CopyTo(json);
        var reader = new JsonReader(json);
        return ObjectMeta.ReadJson(ref reader);
    }

    public Map<string> Labels
    {
        get
        {
            if (!_hasLabels)
            {
                _labels = ReadLabels();
                _hasLabels = true;
            }
            return _labels;
        }
    }

    Map<string> ReadLabels()
    {
        var reader = new JsonReader(_json.Own.AsSpan(Kind.JsonPrefix.Length + s_metadata.Length));
        if (reader.Object())
            do
                if (reader.Name().SequenceEqual("labels"u8)) return reader.StringMap();
                else reader.Skip();
            while (reader.NextMember());
        return default;
    }

    /// <summary>The cells of a table.</summary>
    internal Row RowOf(ITable table) => _row ??= Row.Of(table, Object);

    /// <summary>Whether <see cref="As"/> has it at hand.</summary>
    internal bool IsKnownAs(KindInfo kind) => kind == Kind || _other is { } made && made.Kind == kind;

    /// <summary>This item as another version of its kind, kept for the next who asks.</summary>
    internal Item As(KindInfo kind, Func<IObject, KindInfo, IObject> convert)
    {
        if (kind == Kind) return this;
        if (_other is { } made && made.Kind == kind) return made;
        var other = convert(Object, kind);
        var item = new Item(kind, Key, Revision, SharedBytes.OfJson(kind.ToJson(other))) { _object = new(other) };
        _other = item;
        return item;
    }

    /// <summary>What has no place in the store (dry runs, review results): only its bytes count.</summary>
    internal static Item Unstored(IObject obj, string key) => new(obj.Kind(), key, 0, SharedBytes.OfJson(obj.Kind().ToJson(obj))) { _object = new(obj) };
}
