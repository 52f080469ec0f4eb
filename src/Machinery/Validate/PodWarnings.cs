using Hanbae.Api;
using Hanbae.Api.Core.V1;

namespace Hanbae.Machinery.Validate;

/// <summary>What is right and yet seldom meant: said when a Pod or a template of Pods is made.</summary>
public static class PodWarnings
{
    static readonly (string Old, string New)[] s_labels =
    [
        ("beta.kubernetes.io/arch", "kubernetes.io/arch"), ("beta.kubernetes.io/os", "kubernetes.io/os"), ("beta.kubernetes.io/instance-type", "node.kubernetes.io/instance-type"),
        ("failure-domain.beta.kubernetes.io/region", "topology.kubernetes.io/region"), ("failure-domain.beta.kubernetes.io/zone", "topology.kubernetes.io/zone"),
    ];

    public static IReadOnlyList<string> Of(Pod pod)
    {
        var warnings = new List<string>();
        if (Names.Label(pod.Metadata.Name) is { Count: > 0 } wrong)
            warnings.Add($"metadata.name: this is used in the Pod's hostname, which can result in surprising behavior; a DNS label is recommended: [{string.Join(" ", wrong)}]");
        Spec(FieldPath.Spec, pod.Spec, warnings);
        return warnings;
    }

    public static IReadOnlyList<string> Of(FieldPath at, PodTemplateSpec template)
    {
        var warnings = new List<string>();
        Spec(at["spec"], template.Spec, warnings);
        return warnings;
    }

    static void Spec(FieldPath at, PodSpec spec, List<string> warnings)
    {
        foreach (var (old, now) in s_labels)
            if (spec.NodeSelector.ContainsKey(old)) warnings.Add($"{at["nodeSelector"].Key(old)}: deprecated since v1.14; use \"{now}\" instead");
        for (int i = 0; i < spec.HostAliases.Count; i++)
            for (int j = 0; j < i; j++)
                if (spec.HostAliases[j].Ip == spec.HostAliases[i].Ip) { warnings.Add($"{at["hostAliases"][i]["ip"]}: duplicate ip \"{spec.HostAliases[i].Ip}\""); break; }
        for (int i = 0; i < spec.ImagePullSecrets.Count; i++)
            for (int j = 0; j < i; j++)
                if (spec.ImagePullSecrets[j].Name == spec.ImagePullSecrets[i].Name) { warnings.Add($"{at["imagePullSecrets"][i]["name"]}: duplicate name \"{spec.ImagePullSecrets[i].Name}\""); break; }
        if (spec.TerminationGracePeriodSeconds < 0) warnings.Add($"{at["terminationGracePeriodSeconds"]}: must be >= 0; negative values are invalid and will be treated as 1");
        foreach (var (field, list) in (ReadOnlySpan<(string, Seq<Container>)>)[("initContainers", spec.InitContainers), ("containers", spec.Containers)])
            for (int i = 0; i < list.Count; i++) Container(at[field][i], list[i], warnings);
    }

    static void Container(FieldPath at, Container c, List<string> warnings)
    {
        foreach (var (field, amounts) in (ReadOnlySpan<(string, Map<Quantity>)>)[("limits", c.Resources.Limits), ("requests", c.Resources.Requests)])
            foreach (string name in (ReadOnlySpan<string>)["memory", "ephemeral-storage"])
                if (amounts.TryGet(name, out var q) && q.RoundUp(0) != q)
                    warnings.Add($"{at["resources"][field].Key(name)}: fractional byte value \"{q}\" is invalid, must be an integer");
        for (int i = 0; i < c.Env.Count; i++)
            for (int j = i - 1; j >= 0; j--)
                if (c.Env[j].Name == c.Env[i].Name)
                {
                    warnings.Add($"{at["env"][i]}: hides previous definition of \"{c.Env[i].Name}\", which may be dropped when using apply");
                    break;
                }
        for (int i = 0; i < c.Ports.Count; i++)
            for (int j = 0; j < i; j++)
                if (c.Ports[j].ContainerPortValue == c.Ports[i].ContainerPortValue && c.Ports[j].Protocol == c.Ports[i].Protocol && c.Ports[j].HostPort == c.Ports[i].HostPort && c.Ports[j].HostIP == c.Ports[i].HostIP)
                {
                    warnings.Add($"{at["ports"][i]}: duplicate port definition with {at["ports"][j]}");
                    break;
                }
    }
}
