using System.Collections.Immutable;

namespace Hanbae.Server.OpenApi;

/// <summary>The parameters that requests of each kind take.</summary>
static class Parameters
{
    public static readonly ApiParameter Name = new("name", "path", "string"), Namespace = new("namespace", "path", "string"), Pretty = Query("pretty");

    public static readonly ImmutableArray<ApiParameter> List =
    [
        Query("allowWatchBookmarks", "boolean"), Query("continue"), Query("fieldSelector"), Query("labelSelector"), Query("limit", "integer"), Query("resourceVersion"),
        Query("resourceVersionMatch"), Query("sendInitialEvents", "boolean"), Query("shardSelector"), Query("timeoutSeconds", "integer"), Query("watch", "boolean"),
    ];

    public static readonly ImmutableArray<ApiParameter> Write = [Query("dryRun"), Query("fieldManager"), Query("fieldValidation")];

    public static readonly ImmutableArray<ApiParameter> Patch = [.. Write, Query("force", "boolean")];

    public static readonly ImmutableArray<ApiParameter> Delete =
    [
        Query("dryRun"), Query("gracePeriodSeconds", "integer"), Query("ignoreStoreReadErrorWithClusterBreakingPotential", "boolean"),
        Query("orphanDependents", "boolean"), Query("propagationPolicy"),
    ];

    public static readonly ImmutableArray<ApiParameter> DeleteCollection =
        [.. Delete.Concat(List.Where(p => p.Name is not ("allowWatchBookmarks" or "watch"))).OrderBy(p => p.Name, StringComparer.Ordinal)];

    public static ApiParameter Query(string name, string type = "string") => new(name, "query", type);
}
