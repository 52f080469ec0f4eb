using Hanbae.Api;
using Hanbae.Api.Json;
using Hanbae.Api.Meta.V1;
using Hanbae.Api.Schema;
using Hanbae.Machinery.Apply;

namespace Hanbae.Machinery.Tests.Apply;

/// <summary>An object and the account of its fields, written to as a server writes.</summary>
sealed class ObjectWriter(KindInfo kind)
{
    int _hours;

    public Seq<ManagedFieldsEntry> Entries { get; private set; }
    public byte[]? Live { get; private set; }
    public JsonObject Json => (JsonObject)JsonValue.Parse(Live!);

    public static ApplyType TypeOf(KindInfo kind) => SchemaTypes.Of(kind.Schema);

    FieldWrite Write(string manager, string subresource, FieldFilter? filter) => new()
    {
        Manager = manager, ApiVersion = kind.ApiVersion, Type = TypeOf(kind), Subresource = subresource, Filter = filter,
        Now = new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero).AddHours(++_hours), Blank = kind.ToJson(kind.Decode("{}"u8)), Versions = new Same(kind),
    };

    sealed class Same(KindInfo kind) : IVersions
    {
        public ApplyType? TypeOf(string apiVersion) => apiVersion == kind.ApiVersion ? ObjectWriter.TypeOf(kind) : null;
        public byte[] Convert(byte[] json, string from, string to) => json;
    }

    public ObjectWriter Update(string manager, string json, string subresource = "", FieldFilter? filter = null)
    {
        byte[] obj = kind.ToJson(kind.Decode(System.Text.Encoding.UTF8.GetBytes(json)));
        var owners = Ownership.Read(Entries);
        Tracking.Update(owners, Live, obj, Write(manager, subresource, filter));
        (Live, Entries) = (obj, owners.Write());
        return this;
    }

    public ObjectWriter Apply(string manager, string json, bool force = false, string subresource = "", FieldFilter? filter = null)
    {
        var owners = Ownership.Read(Entries);
        var applied = (JsonObject)JsonValue.Parse(json);
        applied = JsonObject.Of([("apiVersion", kind.ApiVersion), ("kind", kind.Kind), .. applied.Select(m => (m.Name, m.Value))]);
        TypedCheck.Check(applied, TypeOf(kind));
        var merged = Tracking.Apply(owners, Live, applied, Write(manager, subresource, filter), force);
        if (merged is not null) Live = kind.ToJson(kind.Decode(merged.ToUtf8()));
        Live ??= kind.ToJson(kind.Decode("{}"u8));
        Entries = owners.Write();
        return this;
    }

    /// <summary>As if it had never been tracked.</summary>
    public void Forget() => Entries = default;

    /// <summary>As if what is there had been written in another version.</summary>
    public void Rename(string apiVersion) => Entries = Entries.Select(e => e with { ApiVersion = apiVersion }).ToSeq();

    public ManagedFieldsEntry Entry(string manager, string operation = "") => Entries.Single(e => e.Manager == manager && (operation.Length == 0 || e.Operation == operation));
    public string Fields(string manager, string operation = "") => Entry(manager, operation).FieldsV1.ToString();
    public IEnumerable<string> Managers => Entries.Select(e => $"{e.Manager} {e.Operation}");
}

static class JsonPath
{
    public static JsonValue? Node(this JsonValue value, params string[] path)
    {
        JsonValue? at = value;
        foreach (string name in path) at = (at as JsonObject)?[name];
        return at;
    }

    /// <summary>The text there, or null.</summary>
    public static string? At(this JsonValue value, params string[] path) => (value.Node(path) as JsonString)?.Value;
}
