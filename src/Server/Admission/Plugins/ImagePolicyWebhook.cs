using Hanbae.Api;
using Hanbae.Api.Codec;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Imagepolicy.V1alpha1;
using Hanbae.Api.Json;
using Hanbae.Server.Admission.Configuration;
using Hanbae.Server.Backends;

namespace Hanbae.Server.Admission.Plugins;

/// <summary>Asks a server outside whether the images of Pods may be run: an ImageReview, whose answer holds for a while.</summary>
sealed class ImagePolicyWebhook : PodCreation
{
    const string FailedOpen = "imagepolicywebhook.image-policy.k8s.io/failed-open", Annotations = ".image-policy.k8s.io/";
    const int Remembered = 1024;
    static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    readonly ImagePolicyOptions _options;
    readonly TimeProvider _time;
    readonly ReviewClient _client;
    readonly Lock _lock = new();
    readonly Dictionary<string, (ImageReviewStatus Status, DateTimeOffset Until)> _known = [];

    /// <exception cref="FormatException">There is no configuration, which it cannot do without.</exception>
    public ImagePolicyWebhook(ImagePolicyOptions? options, TimeProvider time)
    {
        _options = options ?? throw new FormatException("ImagePolicyWebhook: no config specified");
        (_time, _client) = (time, new(Kubeconfig.Read(options.KubeConfigFile), s_patience, options.RetryAfter));
    }

    /// <summary>A new image, whether by an update or in a container added to a running Pod, is asked about as well.</summary>
    public override bool Handles(Operation operation, GroupResource resource, string subresource) =>
        operation is Operation.Create or Operation.Update && subresource is "" or "ephemeralcontainers" && resource is { Group: "", Resource: "pods" };

    protected override async ValueTask CheckAsync(AdmissionRequest request, Pod pod, CancellationToken ct)
    {
        string[] images = [.. ImagesOf(pod, request.Subresource)];
        if (request.OldObject is Pod old && images.All(ImagesOf(old, request.Subresource).ToHashSet().Contains)) return;
        var review = new ImageReview
        {
            Spec = new()
            {
                Namespace = request.Namespace, Containers = [.. images.Select(i => new ImageReviewContainerSpec { Image = i })],
                Annotations = pod.Metadata.Annotations.Where(a => a.Key.Contains(Annotations, StringComparison.Ordinal)).ToMap(),
            },
        };
        string key = System.Text.Encoding.UTF8.GetString(ImageReview.Info.ToJson(review));
        if (await AskAsync(review, key, ct).ConfigureAwait(false) is not { } status)
        {
            if (!_options.DefaultAllow) throw Refuse.Because(request, "the image policy webhook cannot be reached");
            request.Audit.Add(FailedOpen, "true");
            return;
        }
        foreach (var (name, value) in status.AuditAnnotations) request.Audit.Add("imagepolicywebhook.image-policy.k8s.io/" + name, value);
        if (!status.Allowed) throw Refuse.Because(request, status.Reason.Length > 0 ? $"image policy webhook backend denied one or more images: {status.Reason}" : "one or more images rejected by webhook backend");
    }

    static IEnumerable<string> ImagesOf(Pod pod, string subresource) => subresource == "ephemeralcontainers" ? pod.Spec.EphemeralContainers.Select(c => c.Image)
        : pod.Spec.Containers.Select(c => c.Image).Concat(pod.Spec.InitContainers.Select(c => c.Image));

    /// <summary>Null when nobody answers.</summary>
    async ValueTask<ImageReviewStatus?> AskAsync(ImageReview review, string key, CancellationToken ct)
    {
        lock (_lock)
            if (_known.TryGetValue(key, out var known) && known.Until > _time.GetUtcNow()) return known.Status;
        try
        {
            var answer = (ImageReview)ImageReview.Info.Decode(JsonPrinter.ToUtf8(await _client.PostAsync(ImageReview.Info.ToJson(review), ct).ConfigureAwait(false)));
            Remember(key, answer.Status);
            return answer.Status;
        }
        catch (Exception e) when (e is IOException or DecodeException) { return null; }
    }

    void Remember(string key, ImageReviewStatus status)
    {
        var until = _time.GetUtcNow() + (status.Allowed ? _options.AllowFor : _options.DenyFor);
        lock (_lock)
        {
            if (_known.Count >= Remembered) _known.Remove(_known.MinBy(k => k.Value.Until).Key);
            _known[key] = (status, until);
        }
    }
}
