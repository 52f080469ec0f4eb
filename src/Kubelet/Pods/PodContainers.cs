using System.Globalization;
using System.Text;
using Hanbae.Api.Core.V1;
using Hanbae.Kubelet.Runtime;

namespace Hanbae.Kubelet.Pods;

/// <summary>What a Pod's spec says about its containers, in the words the kubelet decides with.</summary>
static class PodContainers
{
    /// <summary>An init container that runs beside the app containers (KEP-753).</summary>
    public static bool IsSidecar(this Container init) => init.RestartPolicy == "Always";

    public static Container AsContainer(this EphemeralContainer e) => new()
    {
        Name = e.Name, Image = e.Image, Command = e.Command, Args = e.Args, WorkingDir = e.WorkingDir, Ports = e.Ports, EnvFrom = e.EnvFrom, Env = e.Env,
        Resources = e.Resources, ResizePolicy = e.ResizePolicy, RestartPolicy = e.RestartPolicy, VolumeMounts = e.VolumeMounts, VolumeDevices = e.VolumeDevices,
        LivenessProbe = e.LivenessProbe, ReadinessProbe = e.ReadinessProbe, StartupProbe = e.StartupProbe, Lifecycle = e.Lifecycle,
        TerminationMessagePath = e.TerminationMessagePath, TerminationMessagePolicy = e.TerminationMessagePolicy, ImagePullPolicy = e.ImagePullPolicy,
        SecurityContext = e.SecurityContext, Stdin = e.Stdin, StdinOnce = e.StdinOnce, Tty = e.Tty,
    };

    public static IEnumerable<Container> All(this PodSpec spec) =>
        spec.InitContainers.Concat(spec.Containers).Concat(spec.EphemeralContainers.Select(AsContainer));

    public static Container? Find(this PodSpec spec, string name) =>
        spec.Containers.Find(c => c.Name == name) ?? spec.InitContainers.Find(c => c.Name == name) ?? spec.EphemeralContainers.Find(c => c.Name == name)?.AsContainer();

    /// <summary>How figures call its kind.</summary>
    public static string KindOf(this PodSpec spec, string name) =>
        spec.InitContainers.Exists(c => c.Name == name) ? "init_container" : spec.EphemeralContainers.Exists(c => c.Name == name) ? "ephemeral_container" : "container";

    /// <summary>How events and errors call the container: <c>spec.containers{web}</c>.</summary>
    public static string FieldPath(this PodSpec spec, string name)
    {
        string list = spec.InitContainers.Exists(c => c.Name == name) ? "initContainers" : spec.EphemeralContainers.Exists(c => c.Name == name) ? "ephemeralContainers" : "containers";
        return $"spec.{list}{{{name}}}";
    }

    public static string RestartPolicyOr(this PodSpec spec) => spec.RestartPolicy.Length > 0 ? spec.RestartPolicy : "Always";

    /// <summary>Whether an end of the container leads to another start: the Pod's policy, unless the container has its own policy or rules (KEP-5307).</summary>
    public static bool ShouldRestart(this Pod pod, Container container, RuntimeContainer? newest)
    {
        // A Pod that is on its way out starts nothing any more.
        if (pod.Metadata.DeletionTimestamp is not null) return false;
        if (newest is null or { Past: true }) return true;
        return newest.State switch
        {
            RuntimeState.Running => false,
            RuntimeState.Created or RuntimeState.Unknown => true,
            _ => RestartsAfter(pod, container, newest.ExitCode),
        };
    }

    public static bool RestartsAfter(this Pod pod, Container container, int exitCode)
    {
        if (RuleFor(container, exitCode) is not null) return true;
        return (container.RestartPolicy ?? pod.Spec.RestartPolicyOr()) switch
        {
            "Never" => false,
            "OnFailure" => exitCode != 0,
            _ => true,
        };
    }

    /// <summary>The first rule that an exit code meets.</summary>
    public static ContainerRestartRule? RuleFor(Container container, int exitCode) => container.RestartPolicyRules.Find(rule =>
        rule is { ExitCodes: { } codes, Action: "Restart" or "RestartAllContainers" } && (codes.Operator == "In" ? codes.Values.Contains(exitCode) : !codes.Values.Contains(exitCode)));

    public static bool IsFinished(this PodStatus status) => status.Phase is "Succeeded" or "Failed";

    public static long GraceSeconds(this Pod pod) => pod.Metadata.DeletionGracePeriodSeconds ?? pod.Spec.TerminationGracePeriodSeconds ?? 30;

    /// <summary>Changes of these fields make a new container; all others of a running container cannot change, or change in place.</summary>
    public static string HashOf(Container container)
    {
        uint hash = 2166136261; // FNV-1a
        foreach (byte b in Encoding.UTF8.GetBytes(container.Name + "\0" + container.Image)) hash = (hash ^ b) * 16777619;
        return hash.ToString("x", CultureInfo.InvariantCulture);
    }

    /// <summary>How messages name a Pod: <c>web_default(uid)</c>.</summary>
    public static string Describe(this Pod pod) => $"{pod.Metadata.Name}_{pod.Metadata.Namespace}({pod.Metadata.Uid})";
}
