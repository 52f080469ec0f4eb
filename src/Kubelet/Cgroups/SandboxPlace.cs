using System.Globalization;
using System.Text.Json;
using Hanbae.Cri.V1;

namespace Hanbae.Kubelet.Cgroups;

/// <summary>Where a runtime has really put a sandbox: by the cgroups of its process, wherever they are.</summary>
static class SandboxPlace
{
    /// <summary>The sandbox's process; null when the runtime does not say, or needs none (CRI-O, when Pods share no PIDs).</summary>
    /// <param name="status">Asked for in full: every runtime puts JSON with a <c>pid</c> under <c>info</c>.</param>
    public static int? Process(PodSandboxStatusResponse? status)
    {
        if (status is null || !status.Info.TryGetValue("info", out string? info)) return null;
        try
        {
            using var json = JsonDocument.Parse(info);
            return json.RootElement.ValueKind == JsonValueKind.Object && json.RootElement.TryGetProperty("pid", out var pid)
                && pid.ValueKind == JsonValueKind.Number && pid.TryGetInt32(out int number) && number > 0 ? number : null;
        }
        catch (JsonException) { return null; }
    }

    /// <returns>The process's cgroups, one per hierarchy; empty when it is gone.</returns>
    public static IReadOnlyList<string> Cgroups(string proc, int process)
    {
        try
        {
            return [.. File.ReadLines(Path.Combine(proc, process.ToString(CultureInfo.InvariantCulture), "cgroup")).Select(l => l.Split(':', 3)).Where(f => f.Length == 3).Select(f => f[2])];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException) { return []; }
    }

    /// <summary>Whether they are where the other driver puts a sandbox that was asked to be in the Pod's cgroup.</summary>
    /// <remarks>A runtime may have places of its own (virtual machines do): only what bears the mark of the other driver tells of it.</remarks>
    public static bool IsOfOtherDriver(IReadOnlyList<string> cgroups, bool systemd, string folder, string parent, string sandbox)
    {
        if (cgroups.Any(c => c.Contains(folder + "/", StringComparison.Ordinal))) return false;
        return cgroups.Any(c => c.Contains(sandbox, StringComparison.Ordinal) && c.Split('/') is var parts && (systemd
            // A runtime that makes folders takes "slice:prefix:name" for the name of one.
            ? parts.Any(p => p == parent || p.StartsWith(parent + ":", StringComparison.Ordinal))
            : parts.Any(p => p.EndsWith(".scope", StringComparison.Ordinal))));
    }
}
