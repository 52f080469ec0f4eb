using Hanbae.Api;
using Hanbae.Api.Apps.V1;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Json;
using Hanbae.Api.Meta.V1;
using Hanbae.Api.Rest;
using Hanbae.Client;
using Hanbae.Controllers.Ownership;
using GroupVersion = Hanbae.Api.GroupVersion;

namespace Hanbae.Controllers.PodDisruptionBudgets;

/// <summary>Finds how many Pods the controllers of some Pods ask for: from the caches, or from the scale of a kind that nobody here knows.</summary>
sealed class OwnerScale(IClusterAccess cluster)
{
    readonly ICache<ReplicaSet> _sets = cluster.Cache<ReplicaSet>();
    readonly ICache<Deployment> _deployments = cluster.Cache<Deployment>();
    readonly ICache<ReplicationController> _controllers = cluster.Cache<ReplicationController>();
    readonly ICache<StatefulSet> _stateful = cluster.Cache<StatefulSet>();

    public Triggers Watch(Triggers on) => on.Needs(_sets).Needs(_deployments).Needs(_controllers).Needs(_stateful);

    /// <returns>The sum for all controllers, and the names of Pods without one.</returns>
    /// <exception cref="InvalidOperationException">A controller has no scale.</exception>
    public async Task<(int Scale, List<string> Unmanaged)> OfAsync(IEnumerable<Pod> pods, CancellationToken ct)
    {
        var unmanaged = new List<string>();
        var scales = new Dictionary<string, int>();
        foreach (var pod in pods)
            if (pod.Controller is not { } owner) unmanaged.Add(pod.Metadata.Name);
            else if (!scales.ContainsKey(owner.Uid))
            {
                var (uid, scale) = await OfAsync(pod.Metadata.Namespace, owner, ct) ?? throw new InvalidOperationException($"found no controllers for pod \"{pod.Metadata.Name}\"");
                // A Deployment counts once, however many sets it has.
                scales[owner.Uid] = scales.ContainsKey(uid) ? 0 : scale;
                if (uid != owner.Uid) scales[uid] = 0;
            }
        return (scales.Values.Sum(), unmanaged);
    }

    async Task<(string Uid, int Scale)?> OfAsync(string ns, OwnerReference owner, CancellationToken ct)
    {
        var key = new Key(ns, owner.Name);
        switch (owner.Kind)
        {
            case "ReplicaSet" when _sets.Find(key) is { } set && set.Metadata.Uid == owner.Uid:
                // Under another owner than a Deployment a set speaks for itself.
                return set.Controller is not { Kind: "Deployment" } top || GroupVersion.Parse(top.ApiVersion)?.Group is not ("apps" or "extensions") ? (set.Metadata.Uid, set.Spec.Replicas ?? 1)
                    : _deployments.Find(new(ns, top.Name)) is { } d && d.Metadata.Uid == top.Uid ? (d.Metadata.Uid, d.Spec.Replicas ?? 1)
                    : await AskAsync(ns, owner, ct);
            case "ReplicationController" when _controllers.Find(key) is { } c && c.Metadata.Uid == owner.Uid: return (c.Metadata.Uid, c.Spec.Replicas ?? 1);
            case "StatefulSet" when _stateful.Find(key) is { } s && s.Metadata.Uid == owner.Uid: return (s.Metadata.Uid, s.Spec.Replicas ?? 1);
            default: return await AskAsync(ns, owner, ct);
        }
    }

    /// <summary>Custom kinds, by their scale subresource.</summary>
    async Task<(string, int)?> AskAsync(string ns, OwnerReference owner, CancellationToken ct)
    {
        if (GroupVersion.Parse(owner.ApiVersion) is not { } gv) return null;
        string root = gv.Group.Length == 0 ? "/api/" + gv.Version : $"/apis/{gv.Group}/{gv.Version}";
        if (await GetAsync(root, ct) is not { } discovery || discovery["resources"] is not JsonArray resources) return null;
        string? plural = resources.OfType<JsonObject>().Where(r => Text(r, "kind") == owner.Kind).Select(r => Text(r, "name")).FirstOrDefault(n => n is not null && !n.Contains('/'));
        if (plural is null || await GetAsync($"{root}/namespaces/{ns}/{plural}/{owner.Name}/scale", ct) is not { } scale) return null;
        string uid = scale["metadata"] is JsonObject metadata ? Text(metadata, "uid") ?? "" : "";
        if (uid != owner.Uid) return null;
        return (owner.Uid, scale["spec"] is JsonObject spec && spec["replicas"] is JsonNumber number && int.TryParse(number.ToString(), out int replicas) ? replicas : 0);
    }

    async Task<JsonObject?> GetAsync(string path, CancellationToken ct)
    {
        var answer = await cluster.Client.Transport.SendAsync(new() { Method = "GET", Path = path, Accept = "application/json" }, ct);
        if (answer.Code != 200) return null;
        var body = answer.Object is { } obj ? obj.Kind().ToJson(obj) : answer.Body.Span;
        return JsonValue.Parse(body) as JsonObject;
    }

    static string? Text(JsonObject obj, string name) => (obj[name] as JsonString)?.Value;
}
