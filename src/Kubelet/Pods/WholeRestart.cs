using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Kubelet.Runtime;

namespace Hanbae.Kubelet.Pods;

/// <summary>A container's end that has all containers of its Pod begin anew, in the same sandbox (KEP-5532): init containers first, as at the first start.</summary>
/// <remarks>
/// That it goes on is read from the runtime: a container has ended so and is not yet of the past. When nothing runs any more, all that there was becomes the
/// past, which is kept by id in the Pod's folder: their logs and ends can be asked for as those of any container that ran before.
/// </remarks>
sealed class WholeRestart(string folder)
{
    readonly string _file = Path.Combine(folder, "past-containers");
    HashSet<string>? _past;

    /// <summary>Whether a Pod can come to this at all.</summary>
    public static bool IsPossible(PodSpec spec) => spec.InitContainers.Concat(spec.Containers).Any(c => c.RestartPolicyRules.Exists(r => r.Action == "RestartAllContainers"));

    /// <summary>The container that had an end which has all begin anew; null when there is none.</summary>
    public static RuntimeContainer? Cause(Pod pod, RuntimePod runtime) => !IsPossible(pod.Spec) ? null : pod.Spec.InitContainers.Concat(pod.Spec.Containers)
        .Where(c => runtime.Current(c.Name) is { State: RuntimeState.Exited } ended && PodContainers.RuleFor(c, ended.ExitCode)?.Action == "RestartAllContainers")
        .Select(c => runtime.Current(c.Name)).FirstOrDefault();

    /// <summary>What has to be ended first; ephemeral containers are somebody's who looks on.</summary>
    public static IEnumerable<RuntimeContainer> Running(Pod pod, RuntimePod runtime) =>
        runtime.Containers.Where(c => c.State is RuntimeState.Running or RuntimeState.Unknown && !pod.Spec.EphemeralContainers.Exists(e => e.Name == c.Name));

    /// <summary>The Pod with its past marked.</summary>
    public RuntimePod Marked(RuntimePod runtime)
    {
        _past ??= File.Exists(_file) ? [.. File.ReadAllLines(_file)] : [];
        return _past.Count == 0 ? runtime : runtime with { Containers = [.. runtime.Containers.Select(c => c.Past || !_past.Contains(c.Id) ? c : c with { Past = true })] };
    }

    /// <summary>Makes all there is the past.</summary>
    /// <exception cref="IOException"/>
    public RuntimePod End(Pod pod, RuntimePod runtime)
    {
        _past = [.. runtime.Containers.Where(c => !pod.Spec.EphemeralContainers.Exists(e => e.Name == c.Name)).Select(c => c.Id)];
        Volumes.Disk.WholeFile.Write(_file, string.Join('\n', _past));
        return Marked(runtime);
    }
}
