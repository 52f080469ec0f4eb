using Hanbae.Api;
using Hanbae.Api.Core.V1;

namespace Hanbae.Machinery.Default;

/// <summary>Defaults of Pods and of the templates that make them.</summary>
static class PodDefaults
{
    public static Pod Pod(Pod pod)
    {
        // Only Pods, not templates: service links, patience that is less than none, ports of the host, and a limit without a request is the request.
        var spec = Spec(pod.Spec);
        bool host = spec.HostNetwork;
        spec = spec with
        {
            EnableServiceLinks = spec.EnableServiceLinks ?? true,
            TerminationGracePeriodSeconds = spec.TerminationGracePeriodSeconds < 0 ? 1 : spec.TerminationGracePeriodSeconds,
            Containers = spec.Containers.Each(c => RequestLimits(HostPorts(c, host))),
            InitContainers = spec.InitContainers.Each(c => RequestLimits(HostPorts(c, host))),
        };
        return pod with { Spec = spec with { Resources = PodLevelDefaults.Of(spec) } };
    }

    public static PodTemplateSpec Template(PodTemplateSpec template) => template with { Spec = Spec(template.Spec) };

    static PodSpec Spec(PodSpec spec) => spec with
    {
        DnsPolicy = spec.DnsPolicy.Or("ClusterFirst"),
        RestartPolicy = spec.RestartPolicy.Or("Always"),
        SecurityContext = spec.SecurityContext ?? PodSecurityContext.Empty,
        TerminationGracePeriodSeconds = spec.TerminationGracePeriodSeconds ?? 30,
        SchedulerName = spec.SchedulerName.Or("default-scheduler"),
        Volumes = spec.Volumes.Each(VolumeDefaults.Volume),
        Containers = spec.Containers.Each(Container),
        InitContainers = spec.InitContainers.Each(Container),
        EphemeralContainers = spec.EphemeralContainers.Each(Ephemeral),
        Overhead = Rounded(spec.Overhead),
    };

    static Container Container(Container c) => c with
    {
        ImagePullPolicy = c.ImagePullPolicy.Or(PullPolicy(c.Image)),
        TerminationMessagePath = c.TerminationMessagePath.Or("/dev/termination-log"),
        TerminationMessagePolicy = c.TerminationMessagePolicy.Or("File"),
        Ports = c.Ports.Each(p => p.Protocol.Length > 0 ? p : p with { Protocol = "TCP" }),
        Env = c.Env.Each(Env),
        LivenessProbe = Probe(c.LivenessProbe),
        ReadinessProbe = Probe(c.ReadinessProbe),
        StartupProbe = Probe(c.StartupProbe),
        Lifecycle = Lifecycle(c.Lifecycle),
        Resources = c.Resources with { Limits = Rounded(c.Resources.Limits), Requests = Rounded(c.Resources.Requests) },
    };

    static EphemeralContainer Ephemeral(EphemeralContainer c) => c with
    {
        ImagePullPolicy = c.ImagePullPolicy.Or(PullPolicy(c.Image)),
        TerminationMessagePath = c.TerminationMessagePath.Or("/dev/termination-log"),
        TerminationMessagePolicy = c.TerminationMessagePolicy.Or("File"),
        Ports = c.Ports.Each(p => p.Protocol.Length > 0 ? p : p with { Protocol = "TCP" }),
        Env = c.Env.Each(Env),
        LivenessProbe = Probe(c.LivenessProbe),
        ReadinessProbe = Probe(c.ReadinessProbe),
        StartupProbe = Probe(c.StartupProbe),
        Lifecycle = Lifecycle(c.Lifecycle),
        Resources = c.Resources with { Limits = Rounded(c.Resources.Limits), Requests = Rounded(c.Resources.Requests) },
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

    static HTTPGetAction? Get(HTTPGetAction? get) => get is null ? null : get with { Path = get.Path.Or("/"), Scheme = get.Scheme.Or("HTTP") };

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

    static Container HostPorts(Container c, bool hostNetwork) =>
        hostNetwork ? c with { Ports = c.Ports.Each(p => p.HostPort != 0 ? p : p with { HostPort = p.ContainerPortValue }) } : c;

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
