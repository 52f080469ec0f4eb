using System.Globalization;
using Hanbae.Api.Core.V1;
using Hanbae.Client;
using Hanbae.Cri;
using Hanbae.Cri.V1;
using Hanbae.Grpc;
using Hanbae.Kubelet.Pods;
using Container = Hanbae.Api.Core.V1.Container;

namespace Hanbae.Kubelet.Images;

/// <summary>An image that is there.</summary>
/// <param name="Reference">By which containers are made of it.</param>
/// <param name="Id">Of its configuration.</param>
/// <param name="Uid">The user it asks for; 0 when it asks for none, null when it names one.</param>
sealed record PresentImage(string Reference, string Id, long? Uid, string UserName);

/// <summary>Sees to it that a container's image is there before the container is: one pull per image at a time, a bounded number in all.</summary>
sealed class ImagePuller(ICri cri, IPodObjects objects, IRecorder events, TimeProvider time, int maxParallel, PullRecords? records = null)
{
    readonly Dictionary<string, (SemaphoreSlim Gate, int Users)> _gates = []; // as many as images being waited for
    readonly SemaphoreSlim _slots = new(maxParallel);

    /// <summary>Null where everybody may have what is there.</summary>
    public PullRecords? Records => records;
    public Stats.KubeletFigures? Figures { get; init; }
    /// <summary>Programs that know logins, too; null for none.</summary>
    public CredentialProviders? Providers { get; init; }

    /// <param name="backoff">The Pod's own.</param>
    /// <exception cref="ImageException"/>
    public async Task<PresentImage> EnsureAsync(Pod pod, Container container, PodSandboxConfig sandbox, PullBackoff backoff, CancellationToken ct)
    {
        string field = pod.Spec.FieldPath(container.Name);
        if (ImageName.Normalize(container.Image) is null)
        {
            string message = $"Failed to apply default image tag \"{container.Image}\": couldn't parse image name \"{container.Image}\": invalid reference format";
            events.Event(pod, "Warning", "InspectFailed", message, field);
            throw new ImageException("InvalidImageName", message);
        }
        string image = WithTag(container.Image);
        string policy = container.ImagePullPolicy.Length > 0 ? container.ImagePullPolicy : image.EndsWith(":latest", StringComparison.Ordinal) ? "Always" : "IfNotPresent";
        var spec = new ImageSpec { Image = image, UserSpecifiedImage = container.Image };

        var gate = Enter(image);
        try
        {
            var began = time.GetUtcNow();
            await gate.WaitAsync(ct).ConfigureAwait(false);
            try
            {
                var logins = await PullSecrets.ForAsync(objects, pod, container.Image, ct).ConfigureAwait(false);
                var present = policy == "Always" ? null : await FindAsync(spec, ct).ConfigureAwait(false);
                bool denied = present is not null && records?.MustPull(image, present.Reference, await AccountAsync(logins).ConfigureAwait(false)) == true;
                // Who always pulls has not looked.
                Figures?.Count("kubelet_image_manager_ensure_image_requests_total", ("present_locally", policy == "Always" ? "unknown" : present is not null ? "true" : "false"),
                    ("pull_policy", policy.ToLowerInvariant()), ("pull_required", present is null || denied ? "true" : "false"));
                if (present is not null && !denied)
                {
                    events.Event(pod, "Normal", "Pulled", $"Container image \"{container.Image}\" already present on machine and can be accessed by the pod", field);
                    return present;
                }
                if (policy == "Never")
                {
                    string message = denied ? $"Container image \"{container.Image}\" is present with pull policy of Never but does not have the proper credentials to be accessed by the pod"
                        : $"Container image \"{container.Image}\" is not present with pull policy of Never";
                    events.Event(pod, "Warning", "ErrImageNeverPull", message, field);
                    throw new ImageException("ErrImageNeverPull", message);
                }
                return await PullAsync(pod, container, spec, logins, field, sandbox, backoff, began, ct).ConfigureAwait(false);
            }
            finally { gate.Release(); }
        }
        finally { Leave(image); }

        async Task<IReadOnlyList<PullLogin>> AccountAsync(IReadOnlyList<PullLogin> logins) =>
            Providers is { } providers && await providers.AccountAsync(pod, ct).ConfigureAwait(false) is { } account ? [.. logins, account] : logins;
    }

    async Task<PresentImage> PullAsync(Pod pod, Container container, ImageSpec spec, IReadOnlyList<PullLogin> secrets, string field,
        PodSandboxConfig sandbox, PullBackoff backoff, DateTimeOffset began, CancellationToken ct)
    {
        if (backoff.Waits(container.Image, time.GetUtcNow()) is var (until, error))
        {
            events.Event(pod, "Normal", "BackOff", $"Back-off pulling image \"{container.Image}\"", field);
            throw new ImageException("ImagePullBackOff", $"Back-off pulling image \"{container.Image}\": ErrImagePull: {error}", until);
        }
        events.Event(pod, "Normal", "Pulling", $"Pulling image \"{container.Image}\"", field);
        await _slots.WaitAsync(ct).ConfigureAwait(false);
        try
        {
            var start = time.GetUtcNow();
            GrpcException? failure = null;
            records?.Begin(spec.Image);
            if (Providers is { } providers) secrets = [.. secrets, .. await providers.ForAsync(pod, container.Image, ct).ConfigureAwait(false)];
            foreach (var login in secrets.Select(PullLogin? (l) => l).DefaultIfEmpty(null))
            {
                try
                {
                    string reference = await cri.PullImageAsync(spec, login?.Login, sandbox, ct).ConfigureAwait(false);
                    var image = (await cri.ImageStatusAsync(new ImageSpec { Image = reference }, false, ct).ConfigureAwait(false)).Image;
                    var end = time.GetUtcNow();
                    // By its id, as whoever finds it later knows it; containerd answers a pull with a digest of the manifest or with that.
                    records?.Succeeded(spec.Image, image?.Id ?? reference, login);
                    Figures?.Observe("kubelet_image_pull_duration_seconds", end - start, ("image_size_in_bytes", SizeOf(image)));
                    events.Event(pod, "Normal", "Pulled", string.Create(CultureInfo.InvariantCulture,
                        $"Successfully pulled image \"{container.Image}\" in {Took(end - start)} ({Took(end - began)} including waiting). Image size: {image?.Size ?? 0} bytes."), field);
                    backoff.Succeeded(container.Image);
                    return Present(reference, image);
                }
                catch (GrpcException e) when (!ct.IsCancellationRequested) { failure = e; }
            }
            records?.Failed(spec.Image);
            backoff.Failed(container.Image, failure!.Message, time.GetUtcNow());
            events.Event(pod, "Warning", "Failed", $"Failed to pull image \"{container.Image}\": {failure.Message}", field);
            throw new ImageException(failure.Status == GrpcStatus.Unavailable ? "RegistryUnavailable" : "ErrImagePull", failure.Message, time.GetUtcNow());
        }
        finally { _slots.Release(); }
    }

    async Task<PresentImage?> FindAsync(ImageSpec spec, CancellationToken ct) =>
        (await cri.ImageStatusAsync(spec, false, ct).ConfigureAwait(false)).Image is { } image ? Present(image.Id, image) : null;

    static PresentImage Present(string reference, Image? image) =>
        new(reference, image?.Id ?? reference, image?.Uid?.Value ?? (string.IsNullOrEmpty(image?.Username) ? 0 : null), image?.Username ?? "");

    /// <summary>Upstream's steps.</summary>
    static string SizeOf(Image? image) => image?.Size switch
    {
        null or 0 => "N/A", < 10 << 20 => "0-10MB", < 100 << 20 => "10MB-100MB", < 500 << 20 => "100MB-500MB", < 1ul << 30 => "500MB-1GB", < 5ul << 30 => "1GB-5GB", < 10ul << 30 => "5GB-10GB",
        < 20ul << 30 => "10GB-20GB", < 30ul << 30 => "20GB-30GB", < 40ul << 30 => "30GB-40GB", < 60ul << 30 => "40GB-60GB", < 100ul << 30 => "60GB-100GB", _ => "GT100GB",
    };

    static string WithTag(string image) =>
        image.Contains('@') || image.LastIndexOf(':') > image.LastIndexOf('/') ? image : image + ":latest";

    static string Took(TimeSpan t) => t.TotalSeconds < 1 ? string.Create(CultureInfo.InvariantCulture, $"{(long)t.TotalMilliseconds}ms") : string.Create(CultureInfo.InvariantCulture, $"{t.TotalSeconds:0.###}s");

    SemaphoreSlim Enter(string image)
    {
        lock (_gates)
        {
            var (gate, users) = _gates.TryGetValue(image, out var entry) ? entry : (new SemaphoreSlim(1), 0);
            _gates[image] = (gate, users + 1);
            return gate;
        }
    }

    void Leave(string image)
    {
        lock (_gates)
        {
            var (gate, users) = _gates[image];
            if (users == 1) _gates.Remove(image); else _gates[image] = (gate, users - 1);
        }
    }
}
