using Hanbae.Api;
using Hanbae.Api.Json;
using Hanbae.Api.Meta.V1;
using Hanbae.Machinery.Validate;
using Hanbae.Server.Crd.Conversion;
using Hanbae.Server.Crd.Structure;
using Hanbae.Server.Registry;

namespace Hanbae.Server.Crd.Served;

/// <summary>What upstream does to every custom resource on its way into the store, as its definition has it.</summary>
/// <param name="versions">All versions of the kind; the stored one among them.</param>
/// <param name="webhook">Converts between them; null when they differ in nothing but their name.</param>
sealed class CustomStrategy(CustomKind stored, IReadOnlyDictionary<string, CustomKind> versions, ConversionWebhook? webhook) : Strategy(stored), IConvertsStored
{
    readonly ConversionWebhook? _webhook = webhook;
    readonly CustomKind _stored = stored;
    readonly IReadOnlyDictionary<string, CustomKind> _versions = versions;
    readonly (string Field, JsonPath Path)[] _fields =
        [.. versions.Values.SelectMany(v => v.Version.SelectableFields).Select(f => f.JsonPath.TrimStart('.')).Distinct().Select(f => (f, JsonPath.TryParse("." + f))).Where(f => f.Item2 is not null)!];

    /// <summary>The kind in each of its versions.</summary>
    public IReadOnlyDictionary<string, CustomKind> Versions => _versions;

    /// <exception cref="Errors.StatusException">The webhook failed.</exception>
    public async ValueTask<Unstructured> ConvertAsync(Unstructured obj, CustomKind to, CancellationToken ct) =>
        _webhook is null ? (Unstructured)Registry.Convert.To(obj, to) : (await _webhook.ConvertAsync([obj], to, ct).ConfigureAwait(false))[0];

    public override bool AllowCreateOnUpdate => false;
    public override bool AllowUnconditionalUpdate => false;

    public override IReadOnlyList<string> SelectableFields => field ??= [.. _fields.Select(f => f.Field)];

    /// <summary>What may be selected by is each version's own.</summary>
    public override string? SelectableField(GroupVersion version, string label) =>
        _versions.GetValueOrDefault(version.Version)?.Version.SelectableFields.Exists(f => f.JsonPath.AsSpan().TrimStart('.').SequenceEqual(label)) == true ? label : null;

    public override string Field(IObject obj, string name)
    {
        foreach (var (known, path) in _fields)
            if (known == name) return path.Find(((Unstructured)obj).Content) is [var value, ..] ? value is JsonString s ? s.Value : SchemaValidator.Shown(value) : "";
        return base.Field(obj, name);
    }

    public override IObject Default(IObject obj) => obj is Unstructured u && Defaulting.Apply(u.Content, _stored.Structure) is JsonObject content && !ReferenceEquals(content, u.Content)
        ? u with { Content = content } : obj;

    public override IObject PrepareForCreate(IObject obj, WriteContext context)
    {
        var u = (Unstructured)obj;
        if (KindOf(context).HasStatus) u = u.With("status", null);
        return u with { Metadata = u.Metadata with { Generation = 1 } };
    }

    public override IObject PrepareForUpdate(IObject obj, IObject old, WriteContext context)
    {
        var (now, was) = ((Unstructured)obj, (Unstructured)old);
        if (context.Subresource == "status")
            // Upstream lets nothing else of what is sent there count, metadata included.
            return (was with { Metadata = was.Metadata with { ManagedFields = now.Metadata.ManagedFields, ResourceVersion = now.Metadata.ResourceVersion } }).With("status", now.Content["status"]);
        if (KindOf(context).HasStatus) now = now.With("status", was.Content["status"]);
        bool changed = !Wanted(now, context).Equals(Wanted(was, context));
        return now with { Metadata = now.Metadata with { Generation = changed ? was.Metadata.Generation + 1 : was.Metadata.Generation } };
    }

    /// <summary>All that counts as wanted: with a status subresource, everything but the status.</summary>
    JsonObject Wanted(Unstructured obj, WriteContext context) => KindOf(context).HasStatus ? obj.Content.Without("status") : obj.Content;

    public override IReadOnlyList<FieldError> Validate(IObject obj, WriteContext context) =>
        [.. base.Validate(obj, context), .. CustomRules.Check(In(obj, context), null, KindOf(context))];

    public override IReadOnlyList<FieldError> ValidateUpdate(IObject obj, IObject old, WriteContext context) =>
        [.. base.ValidateUpdate(obj, old, context), .. CustomRules.Check(In(obj, context), In(old, context), KindOf(context))];

    // What a webhook converts is checked in the client's version before that.
    CustomKind KindOf(WriteContext context) => _webhook is not null ? _stored : _versions.GetValueOrDefault(context.Version) ?? _stored;

    /// <summary>As the version that was written through sees it: its schema is what the client was promised.</summary>
    Unstructured In(IObject obj, WriteContext context) => KindOf(context) is var kind && kind == _stored ? (Unstructured)obj : (Unstructured)obj with { Info = kind };

    public async ValueTask<IReadOnlyList<ReadOnlyMemory<byte>>> ConvertAsync(IReadOnlyList<ReadOnlyMemory<byte>> stored, CancellationToken ct)
    {
        if (_webhook is null) return stored;
        var result = stored.ToArray();
        foreach (var group in stored.Select((value, at) => (Kind: KindOf(value.Span), Value: value, At: at)).Where(v => v.Kind is not null && v.Kind != _stored).GroupBy(v => v.Kind!))
        {
            var entries = group.ToArray();
            var converted = await _webhook.ConvertAsync([.. entries.Select(e => (Unstructured)group.Key.Decode(e.Value.Span))], _stored, ct).ConfigureAwait(false);
            for (int i = 0; i < entries.Length; i++) result[entries[i].At] = _stored.ToJson(converted[i]);
        }
        return result;
    }

    CustomKind? KindOf(ReadOnlySpan<byte> value)
    {
        foreach (var kind in _versions.Values)
            if (value.StartsWith(kind.JsonPrefix)) return kind;
        return null;
    }
}
