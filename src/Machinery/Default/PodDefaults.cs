using Hanbae.Api;
using Hanbae.Api.Core.V1;

namespace Hanbae.Machinery.Default;

/// <summary>Defaults of Pods and of the templates that make them.</summary>
static class PodDefaults
{
    /// <remarks>What has its defaults already, as what is patched has, is not copied; that goes for all parts of it.</remarks>
    public static Pod Pod(Pod pod)
    {
        // Only Pods, not templates: service links, patience that is less than none, ports of the host, and a limit without a request is the request.
        var spec = Spec(pod.Spec);
        Func<Container, Container> own = spec.HostNetwork ? static c => RequestLimits(HostPorts(c)) : RequestLimits;
        var (containers, inits) = (spec.Containers.Each(own), spec.InitContainers.Each(own));
        if (spec.EnableServiceLinks is null || spec.TerminationGracePeriodSeconds < 0 || containers != spec.Containers || inits != spec.InitContainers)
            spec = spec with
            {
                EnableServiceLinks = spec.EnableServiceLinks ?? true,
                TerminationGracePeriodSeconds = spec.TerminationGracePeriodSeconds < 0 ? 1 : spec.TerminationGracePeriodSeconds,
                Containers = containers,
                InitContainers = inits,
            };
        if (PodLevelDefaults.Of(spec) is var resources && resources != spec.Resources) spec = spec with { Resources = resources };
        return ReferenceEquals(spec, pod.Spec) ? pod : pod with { Spec = spec };
    }

    public static PodTemplateSpec Template(PodTemplateSpec template) => template with { Spec = Spec(template.Spec) };

    static PodSpec Spec(PodSpec spec)
    {
        var (volumes, containers, inits) = (spec.Volumes.Each(VolumeDefaults.Volume), spec.Containers.Each(Container), spec.InitContainers.Each(Container));
        var (ephemeral, overhead) = (spec.EphemeralContainers.Each(Ephemeral), Rounded(spec.Overhead));
        bool whole = spec is { DnsPolicy.Length: > 0, RestartPolicy.Length: > 0, SecurityContext: not null, TerminationGracePeriodSeconds: not null, SchedulerName.Length: > 0 }
            && volumes == spec.Volumes && containers == spec.Containers && inits == spec.InitContainers && ephemeral == spec.EphemeralContainers && overhead == spec.Overhead;
        return whole ? spec : spec with
        {
            DnsPolicy = spec.DnsPolicy.Or("ClusterFirst"),
            RestartPolicy = spec.RestartPolicy.Or("Always"),
            SecurityContext = spec.SecurityContext ?? PodSecurityContext.Empty,
            TerminationGracePeriodSeconds = spec.TerminationGracePeriodSeconds ?? 30,
            SchedulerName = spec.SchedulerName.Or("default-scheduler"),
            Volumes = volumes,
            Containers = containers,
            InitContainers = inits,
            EphemeralContainers = ephemeral,
            Overhead = overhead,
        };
    }

    static Container Container(Container c)
    {
        var (ports, env, lifecycle, resources) = (c.Ports.Each(Port), c.Env.Each(Env), Lifecycle(c.Lifecycle), Rounded(c.Resources));
        var (liveness, readiness, startup) = (Probe(c.LivenessProbe), Probe(c.ReadinessProbe), Probe(c.StartupProbe));
        bool whole = c is { ImagePullPolicy.Length: > 0, TerminationMessagePath.Length: > 0, TerminationMessagePolicy.Length: > 0 }
            && ports == c.Ports && env == c.Env && lifecycle == c.Lifecycle && resources == c.Resources
            && liveness == c.LivenessProbe && readiness == c.ReadinessProbe && startup == c.StartupProbe;
        return whole ? c : c with
        {
            ImagePullPolicy = c.ImagePullPolicy.Or(PullPolicy(c.Image)),
            TerminationMessagePath = c.TerminationMessagePath.Or("/dev/termination-log"),
            TerminationMessagePolicy = c.TerminationMessagePolicy.Or("File"),
            Ports = ports,
            Env = env,
            LivenessProbe = liveness,
            ReadinessProbe = readiness,
            StartupProbe = startup,
            Lifecycle = lifecycle,
            Resources = resources,
        };
    }

    static ContainerPort Port(ContainerPort p) => p.Protocol.Length > 0 ? p : p with { Protocol = "TCP" };

    static EphemeralContainer Ephemeral(EphemeralContainer c) => c with
    {
        ImagePullPolicy = c.ImagePullPolicy.Or(PullPolicy(c.Image)),
        TerminationMessagePath = c.TerminationMessagePath.Or("/dev/termination-log"),
        TerminationMessagePolicy = c.TerminationMessagePolicy.Or("File"),
        Ports = c.Ports.Each(Port),
        Env = c.Env.Each(Env),
        LivenessProbe = Probe(c.LivenessProbe),
        ReadinessProbe = Probe(c.ReadinessProbe),
        StartupProbe = Probe(c.StartupProbe),
        Lifecycle = Lifecycle(c.Lifecycle),
        Resources = Rounded(c.Resources),
    };

    /// <summary>An image without tag or with <c>:latest</c> may change behind its name.</summary>
    internal static string PullPolicy(string image)
    {
        int at = image.IndexOf('@', StringComparison.Ordinal);
        if (at >= 0) return "IfNotPresent";
        int colon = image.LastIndexOf(':');
        return colon <= image.LastIndexOf('/') || image.EndsWith(":latest", StringComparison.Ordinal) ? "Always" : "IfNotPresent";
    }

    static EnvVar Env(EnvVar env) => env.ValueFrom switch
    {
        { FieldRef: { ApiVersion.Length: 0 } field } origin => env with { ValueFrom = origin with { FieldRef = field with { ApiVersion = "v1" } } },
        { FileKeyRef: { Optional: null } file } origin => env with { ValueFrom = origin with { FileKeyRef = file with { Optional = false } } },
        _ => env,
    };

    static Probe? Probe(Probe? probe) => probe is null ? null : probe with
    {
        TimeoutSeconds = probe.TimeoutSeconds == 0 ? 1 : probe.TimeoutSeconds,
        PeriodSeconds = probe.PeriodSeconds == 0 ? 10 : probe.PeriodSeconds,
        SuccessThreshold = probe.SuccessThreshold == 0 ? 1 : probe.SuccessThreshold,
        FailureThreshold = probe.FailureThreshold == 0 ? 3 : probe.FailureThreshold,
        HttpGet = Get(probe.HttpGet),
        Grpc = probe.Grpc is { Service: null } grpc ? grpc with { Service = "" } : probe.Grpc,
    };

    static HTTPGetAction? Get(HTTPGetAction? get) => get is null or { Path.Length: > 0, Scheme.Length: > 0 } ? get : get with { Path = get.Path.Or("/"), Scheme = get.Scheme.Or("HTTP") };

    static Lifecycle? Lifecycle(Lifecycle? lifecycle) => lifecycle is null ? null : lifecycle with
    {
        PostStart = lifecycle.PostStart is { HttpGet: { } start } post ? post with { HttpGet = Get(start) } : lifecycle.PostStart,
        PreStop = lifecycle.PreStop is { HttpGet: { } stop } pre ? pre with { HttpGet = Get(stop) } : lifecycle.PreStop,
    };

    static Container RequestLimits(Container c)
    {
        var requests = c.Resources.Requests;
        foreach (var (name, limit) in c.Resources.Limits)
            if (!requests.ContainsKey(name)) requests = requests.Set(name, limit);
        return requests.Count == c.Resources.Requests.Count ? c : c with { Resources = c.Resources with { Requests = requests } };
    }

    static Container HostPorts(Container c) =>
        c.Ports.Each(static p => p.HostPort != 0 ? p : p with { HostPort = p.ContainerPortValue }) is var ports && ports == c.Ports ? c : c with { Ports = ports };

    static ResourceRequirements Rounded(ResourceRequirements resources) =>
        (Rounded(resources.Limits), Rounded(resources.Requests)) is var (limits, requests) && limits == resources.Limits && requests == resources.Requests ? resources
        : resources with { Limits = limits, Requests = requests };

    /// <summary>Nothing finer than a thousandth is kept.</summary>
    internal static Map<Quantity> Rounded(Map<Quantity> list)
    {
        foreach (var (name, quantity) in list)
        {
            var rounded = quantity.RoundUp(Quantity.Milli);
            if (rounded != quantity) list = list.Set(name, rounded);
        }
        return list;
    }
}
