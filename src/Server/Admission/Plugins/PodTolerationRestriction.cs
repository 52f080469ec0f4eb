using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Json;
using Hanbae.Machinery.Quota;
using Hanbae.Server.Cache;
using Hanbae.Server.Errors;

namespace Hanbae.Server.Admission.Plugins;

/// <summary>Gives a namespace's Pods tolerations, and lets them have no others than it lists.</summary>
/// <param name="defaults">Where a namespace has no annotation.</param>
/// <param name="allowed">The same; empty for any.</param>
sealed class PodTolerationRestriction(ServedObjects objects, IReadOnlyList<Toleration> defaults, IReadOnlyList<Toleration> allowed) : PodCreation
{
    const string Default = "scheduler.alpha.kubernetes.io/defaultTolerations", Allowed = "scheduler.alpha.kubernetes.io/tolerationsWhitelist";
    static readonly Toleration s_pressure = new() { Key = "node.kubernetes.io/memory-pressure", Operator = "Exists", Effect = "NoSchedule" };

    /// <summary>Updates may add tolerations: those are held against the list, too.</summary>
    public override bool Handles(Operation operation, GroupResource resource, string subresource) =>
        operation is Operation.Create or Operation.Update && subresource.Length == 0 && resource is { Group: "", Resource: "pods" };

    protected override async ValueTask<Pod> ChangeAsync(AdmissionRequest request, Pod pod, CancellationToken ct)
    {
        if (request.Operation != Operation.Create) return pod;
        var tolerations = Merge(await OfNamespaceAsync(request, Default, defaults, ct).ConfigureAwait(false), pod.Spec.Tolerations);
        // Who has asked for memory is not the one who brings a node to its limits.
        if (!PodAmounts.IsBestEffort(pod)) tolerations = Merge(tolerations, [s_pressure]);
        return tolerations.Count == pod.Spec.Tolerations.Count ? pod : pod with { Spec = pod.Spec with { Tolerations = tolerations.ToSeq() } };
    }

    protected override async ValueTask CheckAsync(AdmissionRequest request, Pod pod, CancellationToken ct)
    {
        var list = await OfNamespaceAsync(request, Allowed, allowed, ct).ConfigureAwait(false);
        if (list.Count > 0 && pod.Spec.Tolerations.Any(t => !list.Any(a => Covers(a, t))))
            throw Refuse.Because(request, "pod tolerations (possibly merged with namespace default tolerations) conflict with its namespace whitelist");
    }

    async ValueTask<IReadOnlyList<Toleration>> OfNamespaceAsync(AdmissionRequest request, string annotation, IReadOnlyList<Toleration> otherwise, CancellationToken ct)
    {
        var ns = await objects.FindAsync<Namespace>("", request.Namespace, ct).ConfigureAwait(false) ?? throw Statuses.NotFound(new("", "namespaces"), request.Namespace);
        if (!ns.Metadata.Annotations.TryGet(annotation, out string? json)) return otherwise;
        try { return json.Length == 0 ? [] : Tolerations.Parse(JsonValue.Parse(json)); }
        catch (Exception e) when (e is FormatException or Api.Codec.DecodeException) { throw Refuse.Because(request, e.Message); }
    }

    /// <summary>All of both, without those that another covers.</summary>
    static List<Toleration> Merge(IReadOnlyList<Toleration> first, IReadOnlyList<Toleration> second)
    {
        Toleration[] all = [.. first, .. second];
        var merged = new List<Toleration>();
        for (int i = 0; i < all.Length; i++)
        {
            bool covered = false;
            for (int j = 0; j < all.Length && !covered; j++)
                covered = j != i && Covers(all[j], all[i]) && (j > i || !Covers(all[i], all[j]));
            if (!covered) merged.Add(all[i]);
        }
        return merged;
    }

    /// <summary>Whether all that <paramref name="b"/> tolerates <paramref name="a"/> does.</summary>
    internal static bool Covers(Toleration a, Toleration b)
    {
        if (a == b) return true;
        if (b.Key != a.Key && !(a.Key.Length == 0 && a.Operator == "Exists")) return false;
        if (b.Effect != a.Effect && a.Effect.Length > 0) return false;
        if (a is { Effect: "NoExecute", TolerationSeconds: { } most } && (b.TolerationSeconds is not { } seconds || seconds > most)) return false;
        return a.Operator switch { "" or "Equal" => b.Operator is "" or "Equal" && b.Value == a.Value, "Exists" => true, _ => false };
    }
}

/// <summary>Tolerations as they are written in annotations and files.</summary>
static class Tolerations
{
    public static IReadOnlyList<Toleration> Parse(JsonValue? list) => list is JsonArray items ? [.. items.Items.Select(One)] : list is null or JsonNull ? [] : throw new FormatException("tolerations are a list");

    static Toleration One(JsonValue item)
    {
        var map = item as JsonObject ?? throw new FormatException("a toleration is an object");
        return new()
        {
            Key = map["key"].Text(), Operator = map["operator"].Text(), Value = map["value"].Text(), Effect = map["effect"].Text(),
            TolerationSeconds = map["tolerationSeconds"] is JsonNumber { IsInteger: true } n ? n.Int64 : null,
        };
    }
}
