using System.Collections.Immutable;
using Hanbae.Api;

namespace Hanbae.Server.OpenApi;

/// <summary>One method of one path, as both OpenAPI versions publish it.</summary>
/// <param name="Method">In small letters.</param>
/// <param name="Action">Upstream's <c>x-kubernetes-action</c>: list, get, post, watchlist, connect …</param>
/// <param name="Body">Definition name of what is sent, or null.</param>
/// <param name="Answers">Status codes of success and the definition that they come with; null for plain text.</param>
sealed record ApiOperation(string Method, string Id, string Action, string Tag, GroupVersionKind Kind)
{
    public ImmutableArray<ApiParameter> Parameters { get; init; } = [];
    public string? Body { get; init; }
    public bool BodyRequired { get; init; } = true;
    public ImmutableArray<string> Consumes { get; init; } = ["*/*"];
    public ImmutableArray<string> Produces { get; init; } = MediaKinds.Objects;
    public ImmutableArray<(int Code, string? Definition)> Answers { get; init; } = [];
    public bool Deprecated { get; init; }
}

/// <summary>A path and its methods; parameters that all of them share stand here, as upstream hoists them.</summary>
sealed record ApiPath(string Path, ImmutableArray<ApiParameter> Shared, ImmutableArray<ApiOperation> Operations)
{
    public static ApiPath Of(string path, ImmutableArray<ApiOperation> operations)
    {
        ImmutableArray<ApiParameter> shared = [.. operations[0].Parameters.Where(p => operations.All(o => o.Parameters.Contains(p))).OrderBy(p => p.Name, StringComparer.Ordinal)];
        return new(path, shared, [.. operations.Select(o => o with { Parameters = [.. o.Parameters.Where(p => !shared.Contains(p))] })]);
    }
}

/// <param name="In">path or query.</param>
/// <param name="Type">string, integer or boolean.</param>
sealed record ApiParameter(string Name, string In, string Type)
{
    public bool Required => In == "path";
}

static class MediaKinds
{
    const string Json = "application/json", Yaml = "application/yaml", Protobuf = "application/vnd.kubernetes.protobuf";
    public static readonly ImmutableArray<string> Objects = [Json, Yaml, Protobuf];
    public static readonly ImmutableArray<string> Watches = [Json, Yaml, Protobuf, "application/json;stream=watch", "application/vnd.kubernetes.protobuf;stream=watch"];
    public static readonly ImmutableArray<string> Patches = ["application/json-patch+json", "application/merge-patch+json", "application/strategic-merge-patch+json", "application/apply-patch+yaml"];
    // kubectl apply reads here whether it may send strategic patches.
    public static readonly ImmutableArray<string> CustomPatches = ["application/json-patch+json", "application/merge-patch+json", "application/apply-patch+yaml"];
    public static readonly ImmutableArray<string> Text = ["text/plain", Json, Yaml, Protobuf];
    public static readonly ImmutableArray<string> Any = ["*/*"];
}
