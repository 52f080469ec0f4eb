using Hanbae.Api;
using Hanbae.Api.Autoscaling.V1;
using Hanbae.Api.Autoscaling.V2;
using Hanbae.Api.Rest;
using Hanbae.Client;

namespace Hanbae.Controllers.HorizontalPodAutoscalers;

/// <summary>Reads and writes how many replicas anything has that can be scaled, and knows by what name a kind is served.</summary>
sealed class ScaleTarget(IClusterAccess cluster)
{
    static readonly TimeSpan AskAgain = TimeSpan.FromSeconds(15);
    const int MostTries = 5;

    volatile ServerResources _served = ServerResources.BuiltIn;
    DateTimeOffset _asked;

    /// <summary>Where objects of a kind are; null when it is no resource.</summary>
    public async Task<ResourceInfo?> FindAsync(string apiVersion, string kind, CancellationToken ct)
    {
        var gv = Api.GroupVersion.Parse(apiVersion) ?? new("", "v1");
        if (Known(gv, kind) is { } known) return known;
        var now = cluster.Time.GetUtcNow();
        if (now - _asked < AskAgain) return null;
        _asked = now;
        _served = await ServerResources.DiscoverAsync(cluster.Client.Transport, ct);
        return Known(gv, kind);
    }

    ResourceInfo? Known(Api.GroupVersion gv, string kind) =>
        _served.All.FirstOrDefault(r => r.Kind.Gvk == gv.Kind(kind)) ?? _served.All.FirstOrDefault(r => r.Kind.Gvk.Group == gv.Group && r.Kind.Kind == kind);

    /// <exception cref="InvalidOperationException">There is no such kind.</exception>
    /// <exception cref="ApiException">There is no such object, or it cannot be scaled.</exception>
    public async Task<(ResourceInfo Resource, Scale Scale)> GetAsync(string ns, Api.Autoscaling.V2.CrossVersionObjectReference target, CancellationToken ct)
    {
        var resource = await FindAsync(target.ApiVersion, target.Kind, ct)
            ?? throw new InvalidOperationException($"no matches for kind \"{target.Kind}\" in group \"{(Api.GroupVersion.Parse(target.ApiVersion) ?? new("", "")).Group}\"");
        return (resource, await ReadAsync(resource.Path(ns, target.Name, "scale"), ct));
    }

    /// <summary>That others write the object, too, is no failure: only who is in the way again and again.</summary>
    public async Task SetAsync(ResourceInfo resource, Scale scale, int replicas, CancellationToken ct)
    {
        string path = resource.Path(scale.Metadata.Namespace, scale.Metadata.Name, "scale");
        for (int tries = 1; ; tries++)
        {
            var answer = await cluster.Client.Transport.SendAsync(new() { Method = "PUT", Path = path, Object = scale with { Spec = scale.Spec with { Replicas = replicas } } }, ct);
            if (answer.Code != 409 || tries == MostTries)
            {
                answer.OrThrow();
                return;
            }
            scale = await ReadAsync(path, ct);
        }
    }

    async Task<Scale> ReadAsync(string path, CancellationToken ct)
    {
        var answer = (await cluster.Client.Transport.SendAsync(new() { Method = "GET", Path = path }, ct)).OrThrow();
        return answer.Object as Scale ?? (Scale)Scale.Info.Decode(answer.Body.Span);
    }
}
