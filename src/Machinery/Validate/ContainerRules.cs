using Hanbae.Api;
using Hanbae.Api.Core.V1;

namespace Hanbae.Machinery.Validate;

/// <summary>A Pod's containers of all three sorts.</summary>
static class ContainerRules
{
    public static void All(FieldPath at, PodSpec spec, Errors errors)
    {
        if (spec.Containers.IsEmpty) errors.Required(at["containers"]);
        var names = new HashSet<string>();
        var ports = new HashSet<string>();
        for (int i = 0; i < spec.Containers.Count; i++)
        {
            var (here, c) = (at["containers"][i], spec.Containers[i]);
            Common(here, c, spec, names, init: false, errors);
            ProbeRules.Container(here, c, spec.TerminationGracePeriodSeconds, errors);
            HostPorts(here, c, ports, errors);
        }
        for (int i = 0; i < spec.InitContainers.Count; i++)
        {
            var (here, c) = (at["initContainers"][i], spec.InitContainers[i]);
            Common(here, c, spec, names, init: true, errors);
            if (c.RestartPolicy == "Always")
            {
                // KEP-753: a sidecar, which runs along as containers do.
                ProbeRules.Container(here, c, spec.TerminationGracePeriodSeconds, errors);
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

    static void Common(FieldPath at, Container c, PodSpec spec, HashSet<string> names, bool init, Errors errors)
    {
        if (c.Name.Length == 0) errors.Required(at["name"]);
        else errors.Invalid(at["name"], c.Name, Names.Label(c.Name));
        if (c.Name.Length > 0 && !names.Add(c.Name)) errors.Duplicate(at["name"], c.Name);
        Image(at["image"], c.Image, errors);
        errors.RequiredOneOf(at["terminationMessagePolicy"], c.TerminationMessagePolicy, "FallbackToLogsOnError", "File");
        Ports(at["ports"], c.Ports, spec.HostNetwork, errors);
        EnvRules.Env(at["env"], c.Env, spec.Volumes, errors);
        EnvRules.EnvFrom(at["envFrom"], c.EnvFrom, errors);
        VolumeRules.Mounts(at, c, spec.Volumes, errors);
        errors.RequiredOneOf(at["imagePullPolicy"], c.ImagePullPolicy, "Always", "IfNotPresent", "Never");
        ResourceRules.Requirements(at["resources"], c.Resources, errors);
        RestartRules.Container(at, c, init, errors);
        if (c.SecurityContext is { } security) SecurityRules.Container(at["securityContext"], security, errors);
    }

    public static void Image(FieldPath at, string image, Errors errors)
    {
        if (image.Length == 0) errors.Required(at);
        else if (image.Trim().Length != image.Length) errors.Invalid(at, image, "must not have leading or trailing whitespace");
    }

    static void Ports(FieldPath at, Seq<ContainerPort> ports, bool hostNetwork, Errors errors)
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
            if (port.HostIP.Length > 0 && !IpSyntax.IsAddress(port.HostIP)) errors.Invalid(here["hostIP"], port.HostIP, IpSyntax.AddressRule);
            // Pods have it by default; in templates it may be left open.
            if (hostNetwork && port.HostPort != 0 && port.HostPort != port.ContainerPortValue)
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

    /// <summary>Containers that are added to a Pod that runs (KEP-277).</summary>
    public static void Ephemeral(FieldPath at, PodSpec spec, Errors errors)
    {
        var names = spec.Containers.Concat(spec.InitContainers).Select(c => c.Name).ToHashSet();
        for (int i = 0; i < spec.EphemeralContainers.Count; i++)
        {
            var (here, c) = (at[i], spec.EphemeralContainers[i]);
            if (c.Name.Length == 0) errors.Required(here["name"]);
            else errors.Invalid(here["name"], c.Name, Names.Label(c.Name));
            if (c.Name.Length > 0 && !names.Add(c.Name)) errors.Duplicate(here["name"], c.Name);
            Image(here["image"], c.Image, errors);
            if (c.TargetContainerName.Length > 0 && !spec.Containers.Concat(spec.InitContainers).Any(t => t.Name == c.TargetContainerName))
                errors.NotFound(here["targetContainerName"], c.TargetContainerName);
            const string notAllowed = "not allowed for ephemeral containers";
            if (!c.Ports.IsEmpty) errors.Forbidden(here["ports"], notAllowed);
            if (c.LivenessProbe is not null) errors.Forbidden(here["livenessProbe"], notAllowed);
            if (c.ReadinessProbe is not null) errors.Forbidden(here["readinessProbe"], notAllowed);
            if (c.StartupProbe is not null) errors.Forbidden(here["startupProbe"], notAllowed);
            if (c.Lifecycle is not null) errors.Forbidden(here["lifecycle"], notAllowed);
            if (!c.RestartPolicyRules.IsEmpty) errors.Forbidden(here["restartPolicyRules"], notAllowed);
            if (!c.Resources.Limits.IsEmpty || !c.Resources.Requests.IsEmpty) errors.Forbidden(here["resources"], notAllowed);
        }
    }
}
