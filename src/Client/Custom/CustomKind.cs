using System.Collections.Immutable;
using System.Text.Json.Serialization.Metadata;
using Hanbae.Api;
using Hanbae.Api.Codec;
using Hanbae.Api.Rest;
using Hanbae.Api.Schema;

namespace Hanbae.Client;

/// <summary>What a custom resource is called and where it is served: what <see cref="CustomResource{TSelf,TSpec,TStatus}"/> asks of its type.</summary>
/// <param name="Group">The API group, a DNS name of one's own: <c>shop.example.com</c>.</param>
/// <param name="Version">Such as <c>v1</c> or <c>v1alpha1</c>.</param>
/// <param name="Kind">In CamelCase and the singular: <c>Website</c>.</param>
/// <param name="Spec">From a <c>JsonSerializerContext</c>: nothing is found out by reflection.</param>
/// <param name="Status">As <paramref name="Spec"/>.</param>
public sealed record CustomKind<TSpec, TStatus>(string Group, string Version, string Kind, JsonTypeInfo<TSpec> Spec, JsonTypeInfo<TStatus> Status)
    where TSpec : class where TStatus : class
{
    /// <summary>The name in paths: by default the kind in small letters and an <c>s</c>.</summary>
    public string Plural { get => field ?? Kind.ToLowerInvariant() + "s"; init; }
    /// <summary>The name for one: by default the kind in small letters.</summary>
    public string Singular { get => field ?? Kind.ToLowerInvariant(); init; }
    /// <summary>Abbreviations that kubectl knows it by.</summary>
    public ImmutableArray<string> ShortNames { get; init; } = [];
    /// <summary>Groups of resources it is part of, such as <c>all</c>.</summary>
    public ImmutableArray<string> Categories { get; init; } = [];
    /// <summary>Objects are in namespaces; otherwise they are the cluster's.</summary>
    public bool Namespaced { get; init; } = true;
    /// <summary>What <c>kubectl get</c> shows, beside name and age.</summary>
    public ImmutableArray<CustomColumn> Columns { get; init; } = [];
}

/// <summary>A column of <c>kubectl get</c>.</summary>
/// <param name="Name">The heading.</param>
/// <param name="JsonPath">Where the value is: <c>.status.ready</c>.</param>
/// <param name="Type"><c>string</c>, <c>integer</c>, <c>number</c>, <c>boolean</c> or <c>date</c>.</param>
public sealed record CustomColumn(string Name, string JsonPath, string Type = "string");

/// <summary>What a type of custom resources has to say of itself: one static property.</summary>
public interface ICustomResource<TSpec, TStatus> where TSpec : class where TStatus : class
{
    /// <summary>The same value at every call.</summary>
    static abstract CustomKind<TSpec, TStatus> Definition { get; }
}

/// <summary>The kind of a custom resource's type, as the machinery wants it.</summary>
sealed class CustomKindInfo<TSelf, TSpec, TStatus> : KindInfo
    where TSelf : CustomResource<TSelf, TSpec, TStatus>, ICustomResource<TSpec, TStatus>, new() where TSpec : class where TStatus : class
{
    public static CustomKindInfo<TSelf, TSpec, TStatus> Instance { get; } = new(TSelf.Definition);

    readonly UnstructuredKind _shape;

    CustomKindInfo(CustomKind<TSpec, TStatus> definition) : base(definition.Group, definition.Version, definition.Kind, "")
    {
        _shape = new(Gvk);
        Resource = new()
        {
            Gvr = new(definition.Group, definition.Version, definition.Plural), Kind = this, Singular = definition.Singular, Namespaced = definition.Namespaced,
            Verbs = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"], ShortNames = definition.ShortNames, Categories = definition.Categories,
        };
    }

    public override ResourceInfo Resource { get; }
    public override TypeSchema Schema => _shape.Schema;
    public override IKind ReadJson(ref JsonReader reader) => CustomResource<TSelf, TSpec, TStatus>.Read(ref reader);
    public override IKind ReadProto(ReadOnlySpan<byte> message) => throw new DecodeException($"{Gvk} has no protobuf form", 0);
}
