using System.Collections.Immutable;
using System.Text.RegularExpressions;
using Hanbae.Api.Apiextensions.V1;
using Hanbae.Api.Json;

namespace Hanbae.Server.Crd.Structure;

/// <summary>One node of a custom resource's schema, made ready for use: what is known of a value, and of what it is made.</summary>
/// <remarks>Upstream's structural schema: the shape stands outside of allOf, anyOf, oneOf and not, which only restrict values.</remarks>
sealed class Structural
{
    static readonly Dictionary<string, Structural> s_none = [];
    readonly Lazy<Regex?> _pattern;

    Structural(JSONSchemaProps props)
    {
        Props = props;
        Properties = props.Properties.IsEmpty ? s_none : props.Properties.ToDictionary(p => p.Key, p => new Structural(p.Value), StringComparer.Ordinal);
        Items = props.Items?.One is { } items ? new(items) : null;
        Additional = props.AdditionalProperties?.One is { } more ? new(more) : null;
        AllOf = Of(props.AllOf);
        AnyOf = Of(props.AnyOf);
        OneOf = Of(props.OneOf);
        Not = props.Not is { } not ? new(not) : null;
        Default = props.Default.IsNil ? null : JsonValue.Parse(props.Default.Span);
        Enum = [.. props.Enum.Select(e => e.IsNil ? JsonNull.Instance : JsonValue.Parse(e.Span))];
        _pattern = new(() => props.Pattern.Length == 0 ? null : GoRegex.Of(props.Pattern));
        HasDefaults = Default is not null || Items is { HasDefaults: true } || Additional is { HasDefaults: true } || Properties.Values.Any(p => p.HasDefaults);
    }

    public static Structural Of(JSONSchemaProps props) => new(props);

    static ImmutableArray<Structural> Of(Api.Seq<JSONSchemaProps> many) => many.IsEmpty ? [] : [.. many.Select(p => new Structural(p))];

    /// <summary>The node as it was written.</summary>
    public JSONSchemaProps Props { get; }
    public string Type => Props.Type;
    public bool Nullable => Props.Nullable;
    public bool Preserves => Props.XKubernetesPreserveUnknownFields == true;
    public bool Embedded => Props.XKubernetesEmbeddedResource;
    public bool IntOrString => Props.XKubernetesIntOrString;
    public Dictionary<string, Structural> Properties { get; }
    public Structural? Items { get; }
    /// <summary>Of values under names that are not among the properties.</summary>
    public Structural? Additional { get; }
    /// <summary>Whether <c>additionalProperties</c> is there at all.</summary>
    public bool HasAdditional => Props.AdditionalProperties is not null;
    public ImmutableArray<Structural> AllOf { get; }
    public ImmutableArray<Structural> AnyOf { get; }
    public ImmutableArray<Structural> OneOf { get; }
    public Structural? Not { get; }
    public JsonValue? Default { get; }
    public ImmutableArray<JsonValue> Enum { get; }
    /// <summary>Null for none, and for one that is no regular expression.</summary>
    public Regex? Pattern => _pattern.Value;
    /// <summary>Here or anywhere below.</summary>
    public bool HasDefaults { get; }

    /// <summary>This node and all below it, restrictions of values included.</summary>
    public IEnumerable<Structural> All()
    {
        yield return this;
        foreach (var part in Properties.Values.Concat(AllOf).Concat(AnyOf).Concat(OneOf).Concat(new[] { Items, Additional, Not }.OfType<Structural>()))
            foreach (var node in part.All()) yield return node;
    }
}
