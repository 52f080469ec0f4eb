using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Server.Cache;

namespace Hanbae.Server.Admission.Plugins;

/// <summary>Gives containers the requests and limits that a namespace defaults to, and refuses what is outside its ranges.</summary>
sealed class LimitRanger(ServedObjects objects) : IMutates, IValidates
{
    const string Annotation = "kubernetes.io/limit-ranger";

    /// <summary>Containers' resources do not change with a Pod's update: only with its resize.</summary>
    public bool Handles(Operation operation, GroupResource resource, string subresource) => resource.Group.Length == 0 && resource.Resource switch
    {
        "pods" => operation == Operation.Create && subresource.Length == 0 || operation == Operation.Update && subresource == "resize",
        "persistentvolumeclaims" => operation is Operation.Create or Operation.Update && subresource.Length == 0,
        _ => false,
    };

    public async ValueTask<IKind?> MutateAsync(AdmissionRequest request, CancellationToken ct)
    {
        if (request.Object is not Pod pod) return request.Object;
        foreach (var range in await objects.ListAsync<LimitRange>(request.Namespace, ct).ConfigureAwait(false))
            foreach (var item in range.Spec.Limits)
                if (item.Type == "Container") pod = Default(pod, item);
        return pod;
    }

    static Pod Default(Pod pod, LimitRangeItem item)
    {
        // As upstream's defaulting of the range itself: max stands for a missing default, that for a missing request, and min at last.
        var limits = item.Max.With(item.Default);
        var requests = item.Min.With(limits).With(item.DefaultRequest);
        var notes = new List<string>();
        Container Fill(Container c, string kind)
        {
            var (setRequests, setLimits) = (requests.Where(r => !c.Resources.Requests.ContainsKey(r.Key)).ToMap(), limits.Where(l => !c.Resources.Limits.ContainsKey(l.Key)).ToMap());
            if (setRequests.IsEmpty && setLimits.IsEmpty) return c;
            if (!setRequests.IsEmpty) notes.Add($"{Names(setRequests)} request for {kind} {c.Name}");
            if (!setLimits.IsEmpty) notes.Add($"{Names(setLimits)} limit for {kind} {c.Name}");
            return c with { Resources = c.Resources with { Requests = c.Resources.Requests.With(setRequests), Limits = c.Resources.Limits.With(setLimits) } };
        }
        var containers = pod.Spec.Containers.Select(c => Fill(c, "container")).ToSeq();
        var inits = pod.Spec.InitContainers.Select(c => Fill(c, "init container")).ToSeq();
        if (notes.Count == 0) return pod;
        string note = "LimitRanger plugin set: " + string.Join("; ", notes);
        return pod with
        {
            Metadata = pod.Metadata with { Annotations = pod.Metadata.Annotations.Set(Annotation, note) },
            Spec = pod.Spec with { Containers = containers, InitContainers = pod.Spec.InitContainers.IsNil ? default : inits },
        };
    }

    static string Names(Map<Quantity> resources) => string.Join(", ", resources.Select(r => r.Key));

    public async ValueTask ValidateAsync(AdmissionRequest request, CancellationToken ct)
    {
        foreach (var range in await objects.ListAsync<LimitRange>(request.Namespace, ct).ConfigureAwait(false))
        {
            var errors = request.Object switch
            {
                Pod pod => LimitChecks.Of(pod, range),
                PersistentVolumeClaim claim => LimitChecks.Of(claim, range),
                _ => [],
            };
            if (errors.Count > 0) throw Refuse.Because(request, errors.Count == 1 ? errors[0] : "[" + string.Join(", ", errors) + "]");
        }
    }
}
