using Hanbae.Api;
using Hanbae.Api.Core.V1;

namespace Hanbae.Machinery.Validate;

/// <summary>A Pod's containers of all three sorts.</summary>
static class ContainerRules
{
    /// <param name="pod">Of Pods some is asked that templates may leave to those who make Pods of them.</param>
    public static void All(FieldPath at, PodSpec spec, bool pod, Errors errors)
    {
        if (spec.Containers.IsEmpty) errors.Required(at["containers"]);
        var names = new HashSet<string>();
        var ports = new HashSet<string>();
        for (int i = 0; i < spec.Containers.Count; i++)
        {
            var (here, c) = (at["containers"][i], spec.Containers[i]);
            Common(here, c, spec, names, init: false, pod, errors);
            ProbeRules.Container(here, c, spec.TerminationGracePeriodSeconds, spec.Os?.Name ?? "", errors);
            HostPorts(here, c, ports, errors);
        }
        for (int i = 0; i < spec.InitContainers.Count; i++)
        {
            var (here, c) = (at["initContainers"][i], spec.InitContainers[i]);
            Common(here, c, spec, names, init: true, pod, errors);
            if (c.RestartPolicy == "Always")
            {
                // KEP-753: a sidecar, which runs along as containers do.
                ProbeRules.Container(here, c, spec.TerminationGracePeriodSeconds, spec.Os?.Name ?? "", errors);
                HostPorts(here, c, ports, errors);
                continue;
            }
            HostPorts(here, c, [], errors);
            const string onlySidecars = "may not be set for init containers without restartPolicy=Always";
            if (c.Lifecycle is not null) errors.Forbidden(here["lifecycle"], onlySidecars);
            if (c.LivenessProbe is not null) errors.Forbidden(here["livenessProbe"], onlySidecars);
            if (c.ReadinessProbe is not null) errors.Forbidden(here["readinessProbe"], onlySidecars);
            if (c.StartupProbe is not null) errors.Forbidden(here["startupProbe"], onlySidecars);
        }
    }

    static void Common(FieldPath at, Container c, PodSpec spec, HashSet<string> names, bool init, bool pod, Errors errors)
    {
        if (c.Name.Length == 0) errors.Required(at["name"]);
        else errors.Invalid(at["name"], c.Name, Names.Label(c.Name));
        if (c.Name.Length > 0 && !names.Add(c.Name)) errors.Duplicate(at["name"], c.Name);
        Image(at["image"], c.Image, pod, errors);
        errors.RequiredOneOf(at["terminationMessagePolicy"], c.TerminationMessagePolicy, "File", "FallbackToLogsOnError");
        Ports(at["ports"], c.Ports, spec.HostNetwork, pod, errors);
        EnvRules.Env(at["env"], c.Env, spec.Volumes, errors);
        EnvRules.EnvFrom(at["envFrom"], c.EnvFrom, errors);
        VolumeRules.Mounts(at, c, spec.Volumes, errors);
        errors.RequiredOneOf(at["imagePullPolicy"], c.ImagePullPolicy, "Always", "IfNotPresent", "Never");
        ResourceRules.Requirements(at["resources"], c.Resources, spec.ResourceClaims, errors);
        Resize(at["resizePolicy"], c.ResizePolicy, spec.RestartPolicy, errors);
        RestartRules.Container(at, c, init, errors);
        if (c.SecurityContext is { } security) SecurityRules.Container(at["securityContext"], security, spec.HostUsers != false, errors);
    }

    static void Resize(FieldPath at, Seq<ContainerResizePolicy> policies, string restart, Errors errors)
    {
        var seen = new HashSet<string>();
        for (int i = 0; i < policies.Count; i++)
        {
            var policy = policies[i];
            if (!seen.Add(policy.ResourceName)) errors.Duplicate(at[i], policy.ResourceName);
            errors.RequiredOneOf(at, policy.ResourceName, "cpu", "memory");
            errors.RequiredOneOf(at, policy.RestartPolicy, "NotRequired", "RestartContainer");
            if (restart == "Never" && policy.RestartPolicy != "NotRequired") errors.Invalid(at, policy.RestartPolicy, "must be 'NotRequired' when `restartPolicy` is 'Never'");
        }
    }

    public static void Image(FieldPath at, string image, bool pod, Errors errors)
    {
        if (image.Length == 0) errors.Required(at);
        else if (pod && image.Trim().Length != image.Length) errors.Invalid(at, image, "must not have leading or trailing whitespace");
    }

    static void Ports(FieldPath at, Seq<ContainerPort> ports, bool hostNetwork, bool pod, Errors errors)
    {
        var names = new HashSet<string>();
        for (int i = 0; i < ports.Count; i++)
        {
            var (here, port) = (at[i], ports[i]);
            if (port.Name.Length > 0)
            {
                var wrong = Names.PortName(port.Name);
                errors.Invalid(here["name"], port.Name, wrong);
                if (wrong.Count == 0 && !names.Add(port.Name)) errors.Duplicate(here["name"], port.Name);
            }
            if (port.ContainerPortValue == 0) errors.Required(here["containerPort"]);
            else errors.Port(here["containerPort"], port.ContainerPortValue);
            if (port.HostPort != 0) errors.Port(here["hostPort"], port.HostPort);
            errors.RequiredOneOf(here["protocol"], port.Protocol, "SCTP", "TCP", "UDP");
            // Pods have it by default; in templates it may be left open.
            if (hostNetwork && (pod || port.HostPort != 0) && port.HostPort != port.ContainerPortValue)
                errors.Invalid(here["hostPort"], port.HostPort, "must match `containerPort` when `hostNetwork` is true");
        }
    }

    /// <summary>A node has each port once.</summary>
    static void HostPorts(FieldPath at, Container c, HashSet<string> taken, Errors errors)
    {
        for (int i = 0; i < c.Ports.Count; i++)
        {
            var port = c.Ports[i];
            if (port.HostPort == 0) continue;
            string key = $"{port.Protocol}/{port.HostIP}/{port.HostPort}";
            if (!taken.Add(key)) errors.Duplicate(at["ports"][i]["hostPort"], key);
        }
    }

    /// <summary>Containers that are added to a Pod that runs (KEP-277): nothing that a Pod relies on.</summary>
    public static void Ephemeral(FieldPath at, PodSpec spec, Errors errors)
    {
        if (spec.EphemeralContainers.IsEmpty) return;
        var others = spec.Containers.Concat(spec.InitContainers).Select(c => c.Name).ToHashSet();
        var names = new HashSet<string>(others);
        for (int i = 0; i < spec.EphemeralContainers.Count; i++)
        {
            var (here, c) = (at[i], spec.EphemeralContainers[i]);
            Common(here, new()
            {
                Name = c.Name, Image = c.Image, Env = c.Env, EnvFrom = c.EnvFrom, VolumeMounts = c.VolumeMounts, VolumeDevices = c.VolumeDevices, ImagePullPolicy = c.ImagePullPolicy,
                TerminationMessagePolicy = c.TerminationMessagePolicy, SecurityContext = c.SecurityContext,
            }, spec, names, init: false, pod: true, errors);
            if (c.TargetContainerName.Length > 0 && !others.Contains(c.TargetContainerName)) errors.NotFound(here["targetContainerName"], c.TargetContainerName);
            const string not = "cannot be set for an Ephemeral Container";
            foreach (var (name, set) in (ReadOnlySpan<(string, bool)>)[("ports", !c.Ports.IsEmpty), ("resources", c.Resources != ResourceRequirements.Empty), ("resizePolicy", !c.ResizePolicy.IsEmpty),
                ("restartPolicy", c.RestartPolicy is not null), ("restartPolicyRules", !c.RestartPolicyRules.IsEmpty), ("livenessProbe", c.LivenessProbe is not null),
                ("readinessProbe", c.ReadinessProbe is not null), ("startupProbe", c.StartupProbe is not null), ("lifecycle", c.Lifecycle is not null)])
                if (set) errors.Forbidden(here[name], not);
            for (int j = 0; j < c.VolumeMounts.Count; j++)
            {
                if (c.VolumeMounts[j].SubPath.Length > 0) errors.Forbidden(here["volumeMounts"][j]["subPath"], not);
                if (c.VolumeMounts[j].SubPathExpr.Length > 0) errors.Forbidden(here["volumeMounts"][j]["subPathExpr"], not);
            }
        }
    }
}
