using System.Collections.Immutable;
using Hanbae.Api;
using Hanbae.Api.Codec;
using Hanbae.Api.Meta.V1;
using Hanbae.Api.Metrics.V1beta1;
using Hanbae.Api.Rest;
using Hanbae.Server.Discovery;
using Hanbae.Server.Encode;
using Hanbae.Server.Errors;
using Hanbae.Server.Verbs;

namespace Hanbae.Server.ResourceMetrics;

/// <summary>What the kubelets have measured last.</summary>
public sealed record MeasuredUsage(ImmutableArray<NodeMetrics> Nodes, ImmutableArray<PodMetrics> Pods);

/// <summary>Answers <c>metrics.k8s.io</c> as the metrics server does, from figures that are in the process already: for <c>kubectl top</c> and autoscalers.</summary>
/// <remarks>
/// Nothing is stored, so these are no resources of the catalog but paths of a group of its own. An APIService of that group and version that names a
/// Service takes the group over: the aggregator is asked before any path.
/// </remarks>
public sealed class ResourceMetricsApi(Func<MeasuredUsage> measured)
{
    public const string Group = "metrics.k8s.io", Version = "v1beta1";
    const string Root = $"/apis/{Group}/{Version}";

    /// <summary>For <see cref="ServerOptions.MoreGroups"/>.</summary>
    public static ServedGroup Served { get; } = new(Group,
    [
        new(Version,
        [
            new() { Name = "nodes", SingularName = "", Kind = "NodeMetrics", Verbs = ["get", "list"] },
            new() { Name = "pods", SingularName = "", Namespaced = true, Kind = "PodMetrics", Verbs = ["get", "list"] },
        ]),
    ]);

    /// <summary>For <see cref="OpenApi.OpenApiHandler"/>.</summary>
    public static ImmutableArray<ResourceInfo> Described { get; } =
    [
        new() { Gvr = new(Group, Version, "nodes"), Kind = NodeMetrics.Info, Singular = "", Namespaced = false, Verbs = ["get", "list"] },
        new() { Gvr = new(Group, Version, "pods"), Kind = PodMetrics.Info, Singular = "", Namespaced = true, Verbs = ["get", "list"] },
    ];

    /// <summary>For <see cref="ServerOptions.Paths"/>; discovery is somebody else's.</summary>
    public ImmutableArray<PathRoute> Routes => [new(Root + "/", true, Answer)];

    ValueTask<Reply> Answer(RequestContext request)
    {
        var info = request.Info;
        if (!info.IsResourceRequest || info.Resource is not ("nodes" or "pods") || info.Subresource.Length > 0) throw Statuses.NoSuchResource();
        if (info.Verb is not ("get" or "list")) throw Statuses.MethodNotAllowed();
        var output = Negotiation.Of(request, shapes: true, objects: false);
        if (output.Shape == Shape.Metadata) throw Statuses.NotAcceptable([MediaTypes.Json, MediaTypes.Yaml]);
        return new(info.Resource == "nodes" ? Answer(request, output, measured().Nodes, n => n.Usage, n => n.Window)
            : Answer(request, output, info.Namespace.Length == 0 ? measured().Pods : [.. measured().Pods.Where(p => p.Metadata.Namespace == info.Namespace)], Sum, p => p.Window));
    }

    static Reply Answer<T>(RequestContext request, Output output, ImmutableArray<T> all, Func<T, Map<Quantity>> usage, Func<T, Duration> window) where T : class, IObject<T>
    {
        var info = request.Info;
        bool one = info.Verb == "get";
        var found = one ? [.. all.Where(m => m.Metadata.Name == info.Name)] : Select(request, all);
        if (one && found.IsEmpty) throw Statuses.NotFound(new(Group, typeof(T) == typeof(NodeMetrics) ? "nodemetrics" : "podmetrics"), info.Namespace.Length > 0 ? $"{info.Namespace}/{info.Name}" : info.Name);
        byte[] json = output.Shape == Shape.Table ? UsageTable.Json(output, found, usage, window) : one ? T.Info.ToJson(found[0]) : ListJson(found);
        return output.Format == Format.Json && one && output.Shape == Shape.Full && request.InProcess ? Reply.Object(found[0]) : Reply.Bytes(output.ContentType, Encoder.Finish(output, json));
    }

    static ImmutableArray<T> Select<T>(RequestContext request, ImmutableArray<T> all) where T : class, IObject<T>
    {
        Selector labels;
        FieldSelector fields;
        try
        {
            labels = Selector.Parse(request.Parameter("labelSelector") ?? "");
            fields = request.Parameter("fieldSelector") is { Length: > 0 } text ? FieldSelector.Parse(text) : FieldSelector.Everything;
        }
        catch (SelectorFormatException e) { throw Statuses.BadRequest(e.Message); }
        foreach (var term in fields.Terms)
            if (term.Field is not ("metadata.name" or "metadata.namespace")) throw Statuses.BadRequest($"field label not supported: {term.Field}");
        return [.. all.Where(m => labels.Matches(m.Metadata.Labels) && fields.Terms.All(t => (t.Field == "metadata.name" ? m.Metadata.Name : m.Metadata.Namespace) == t.Value == t.Equal))
            .OrderBy(m => m.Metadata.Namespace, StringComparer.Ordinal).ThenBy(m => m.Metadata.Name, StringComparer.Ordinal)];
    }

    static byte[] ListJson<T>(ImmutableArray<T> items) where T : class, IObject<T>
    {
        var writer = new JsonWriter(1024);
        try
        {
            writer.Raw("{\"kind\":"u8); writer.String(T.Info.ListKind);
            writer.Raw(",\"apiVersion\":"u8); writer.String(T.Info.ApiVersion);
            writer.Raw(",\"metadata\":{},\"items\":["u8);
            for (int i = 0; i < items.Length; i++)
            {
                if (i > 0) writer.Byte((byte)',');
                writer.Message(items[i]);
            }
            writer.Raw("]}"u8);
            return writer.ToArray();
        }
        finally { writer.Dispose(); }
    }

    static Map<Quantity> Sum(PodMetrics pod)
    {
        var sum = default(Map<Quantity>);
        foreach (var container in pod.Containers)
            foreach (var (name, amount) in container.Usage) sum = sum.Set(name, sum[name] + amount);
        return sum;
    }
}
