using Hanbae.Api;
using Hanbae.Api.Core.V1;

namespace Hanbae.Server.Admission.Plugins;

/// <summary>Has every image pulled anew, so that only who may pull it can use what another's Pod brought to a node.</summary>
sealed class AlwaysPullImages : IMutates, IValidates
{
    const string Always = "Always";

    public bool Handles(Operation operation, GroupResource resource, string subresource) =>
        operation is Operation.Create or Operation.Update && subresource.Length == 0 && resource is { Group: "", Resource: "pods" };

    /// <summary>An update that brings no new image is left as it is: the policy of a container cannot be changed.</summary>
    static bool Concerns(AdmissionRequest request, Pod pod)
    {
        if (request.OldObject is not Pod old || request.Operation != Operation.Update) return true;
        var known = Images(old).ToHashSet();
        return Images(pod).Any(i => !known.Contains(i));
    }

    static IEnumerable<string> Images(Pod pod) => pod.Spec.InitContainers.Select(c => c.Image).Concat(pod.Spec.Containers.Select(c => c.Image)).Concat(pod.Spec.EphemeralContainers.Select(c => c.Image))
        .Concat(pod.Spec.Volumes.Select(v => v.Image?.Reference).OfType<string>());

    public ValueTask<IKind?> MutateAsync(AdmissionRequest request, CancellationToken ct)
    {
        if (request.Object is not Pod pod || !Concerns(request, pod)) return new(request.Object);
        var spec = pod.Spec;
        return new(pod with
        {
            Spec = spec with
            {
                Containers = spec.Containers.Select(c => c with { ImagePullPolicy = Always }).ToSeq(),
                InitContainers = spec.InitContainers.IsNil ? default : spec.InitContainers.Select(c => c with { ImagePullPolicy = Always }).ToSeq(),
                EphemeralContainers = spec.EphemeralContainers.IsNil ? default : spec.EphemeralContainers.Select(c => c with { ImagePullPolicy = Always }).ToSeq(),
                Volumes = spec.Volumes.IsNil ? default : spec.Volumes.Select(v => v.Image is { } image ? v with { Image = image with { PullPolicy = Always } } : v).ToSeq(),
            },
        });
    }

    public ValueTask ValidateAsync(AdmissionRequest request, CancellationToken ct)
    {
        if (request.Object is not Pod pod || !Concerns(request, pod)) return default;
        var errors = new List<string>();
        void Check(string at, string policy)
        {
            if (policy != Always) errors.Add($"{at}.imagePullPolicy: Unsupported value: \"{policy}\": supported values: \"Always\"");
        }
        for (int i = 0; i < pod.Spec.InitContainers.Count; i++) Check($"spec.initContainers[{i}]", pod.Spec.InitContainers[i].ImagePullPolicy);
        for (int i = 0; i < pod.Spec.Containers.Count; i++) Check($"spec.containers[{i}]", pod.Spec.Containers[i].ImagePullPolicy);
        return errors.Count == 0 ? default : throw Refuse.Because(request, errors.Count == 1 ? errors[0] : "[" + string.Join(", ", errors) + "]");
    }
}
