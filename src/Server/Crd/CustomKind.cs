using System.Collections.Concurrent;
using Hanbae.Api;
using Hanbae.Api.Apiextensions.V1;
using Hanbae.Api.Codec;
using Hanbae.Api.Json;
using Hanbae.Api.Meta.V1;
using Hanbae.Api.Schema;
using Hanbae.Machinery.Apply;
using Hanbae.Server.Apply;
using Hanbae.Server.Cache;
using Hanbae.Server.Crd.Rules;
using Hanbae.Server.Crd.Structure;

namespace Hanbae.Server.Crd;

/// <summary>One version of a custom resource: reading an object of it prunes what the schema does not know and fills in defaults, wherever the object comes from.</summary>
/// <param name="version">Without its schema, which is read from the definition when first needed: most clusters have many definitions that nobody uses.</param>
sealed class CustomKind(string group, CustomResourceDefinitionVersion version, CustomResourceDefinitionNames names, DefinitionSource definition) : UnstructuredKind(group, version.Name, names.Kind), IApplyKind, IVersions
{
    readonly Lazy<Structural?> _structure = new(() => SchemaIn(definition, version.Name) is { } schema ? Structural.Of(schema) : null);
    Lazy<RuleNode?>? _rules;
    // Versions of this kind other managers wrote in: as many as the definition has.
    readonly ConcurrentDictionary<string, CustomKind?> _siblings = new();
    ApplyType? _applied;
    TypeSchema? _schema;

    static readonly FieldFilter s_notStatus = FieldFilter.Except("status"), s_onlyStatus = FieldFilter.Except("spec", "metadata");

    public CustomResourceDefinitionVersion Version { get; } = version;
    public CustomResourceDefinitionNames Names { get; } = names;
    public override string ListKind => Names.ListKind;
    public bool HasStatus => Version.Subresources?.Status is not null;
    /// <summary>The schema in use; null only for definitions of before there had to be one.</summary>
    public Structural? Structure => _structure.Value;
    /// <summary>Null when the schema has none.</summary>
    public RuleNode? Rules => (_rules ??= new(() => Structure is { } s ? RuleNode.Of(s) : null)).Value;
    /// <summary>The schema as it was written.</summary>
    public JSONSchemaProps? Written => SchemaIn(definition, Version.Name);
    /// <summary>Whether it is of a definition of apiextensions.k8s.io/v1beta1 by which everything is kept: its schema only restricts, and need not tell the whole shape.</summary>
    public bool KeepsAll { get; } = definition.Definition.Spec.PreserveUnknownFields;

    public ApplyType ApplyType => _applied ??= AppliedStructure.Of(KeepsAll ? null : Structure);

    IVersions IApplyKind.Versions => this;

    FieldFilter? IApplyKind.FilterOf(string subresource) => !HasStatus ? null : subresource switch { "" => s_notStatus, "status" => s_onlyStatus, _ => null };

    ApplyType? IVersions.TypeOf(string apiVersion) => Sibling(apiVersion)?.ApplyType;

    /// <summary>By name alone, as without a conversion webhook: nobody waits for one to learn who owns a field.</summary>
    byte[] IVersions.Convert(byte[] json, string from, string to)
    {
        var target = Sibling(to)!;
        return target.ToJson((Unstructured)Sibling(from)!.Decode(json) with { Info = target });
    }

    CustomKind? Sibling(string apiVersion) => apiVersion == ApiVersion ? this : _siblings.GetOrAdd(apiVersion, text =>
        GroupVersion.Parse(text) is { } wanted && wanted.Group == Gvk.Group && definition.Definition.Spec.Versions.Find(v => v.Name == wanted.Version) is { } version
            ? new(Gvk.Group, version, Names, definition) : null);

    static JSONSchemaProps? SchemaIn(DefinitionSource definition, string version) =>
        definition.Definition.Spec.Versions.Find(v => v.Name == version)?.Schema?.OpenAPIV3Schema;

    public override TypeSchema Schema => _schema ??= SchemaOfStructure.Of(this);

    public override IKind ReadJson(ref JsonReader reader)
    {
        ObjectMeta? metadata = null;
        var content = new JsonObjectBuilder();
        var structure = KeepsAll ? null : Structure;
        bool keep = structure is null or { Preserves: true };
        if (reader.Object())
            do
            {
                var span = reader.Name();
                if (span.SequenceEqual("metadata"u8)) metadata = ObjectMeta.ReadJson(ref reader);
                else if (span.SequenceEqual("kind"u8) || span.SequenceEqual("apiVersion"u8)) reader.Skip();
                else
                {
                    string name = System.Text.Encoding.UTF8.GetString(span);
                    if (structure is not null && structure.Properties.TryGetValue(name, out var property)) content.Set(name, PrunedReader.Read(ref reader, property));
                    else if (keep) content.Set(name, PrunedReader.Read(ref reader, null, keep: true));
                    else reader.Unknown(span);
                }
            } while (reader.NextMember());
        var value = content.Build();
        // What has no metadata is no object, but the empty shell of a bookmark.
        return new Unstructured(this, metadata ?? ObjectMeta.Empty, metadata is null ? value : (JsonObject)Defaulting.Apply(value, structure));
    }

    public override byte[]? Renew(ReadOnlySpan<byte> stored)
    {
        byte[] now = ToJson(Decode(stored));
        return now.AsSpan().SequenceEqual(stored) ? null : now;
    }
}

/// <summary>Where a definition is read from again when it is needed: its bytes in the cache, rather than a tree that few ask for.</summary>
sealed class DefinitionSource(Item item)
{
    volatile Item _item = item;

    public CustomResourceDefinition Definition => (CustomResourceDefinition)_item.Object;

    /// <summary>A newer state of the definition, the same in all that matters here: the older bytes can go.</summary>
    public void Renew(Item item) => _item = item;
}
