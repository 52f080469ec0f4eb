using Hanbae.Kubelet.Volumes.Disk;

namespace Hanbae.Kubelet.Volumes.Remote;

/// <summary>Mounts by the node's <c>mount</c> and the helper of each file system, which know what the kernel alone does not.</summary>
/// <remarks>
/// What is in the mount table is not mounted again: Pods keep their volumes over a restart of the kubelet, also when the helper or the server has
/// gone since. A mount that failed leaves nothing behind.
/// </remarks>
sealed class ProgramMounts(VolumeContext context, Programs programs)
{

    public Programs Programs => programs;

    /// <param name="daemon">The helper leaves a process behind, which must not end with the kubelet's service: it gets a scope of its own, as upstream.</param>
    /// <exception cref="VolumeException">In upstream's words.</exception>
    public async Task MountAsync(string type, string source, string target, IEnumerable<string> options, CancellationToken ct, bool daemon = false)
    {
        if (MountTable.Read().At(target) is not null) return;
        bool made = !Directory.Exists(target);
        Directory.CreateDirectory(target);
        if (!context.Mounts.CanOwn) return; // a node without real containers
        string joined = string.Join(',', options);
        List<string> arguments = ["-t", type, .. joined.Length > 0 ? (string[])["-o", joined] : [], source, target];
        (string program, List<string> line) = daemon && Directory.Exists("/run/systemd/system") && programs.Find("systemd-run") is not null
            ? ("systemd-run", ["--description=Kubernetes transient mount for " + target, "--scope", "--", programs.Find("mount") ?? "mount", .. arguments]) : ("mount", arguments);
        try
        {
            var run = await programs.RunAsync(program, line, ct).ConfigureAwait(false);
            if (run.Failed) throw new VolumeException($"mount failed: exit status {run.Code}\nMounting command: {program}\nMounting arguments: {string.Join(' ', line)}\nOutput: {run.Output}");
        }
        catch
        {
            await context.Mounts.UnmountAsync(target, CancellationToken.None).ConfigureAwait(false);
            if (made) TryRemove(target);
            throw;
        }
    }

    /// <summary>A folder that is only there to be mounted on.</summary>
    static void TryRemove(string folder)
    {
        try { Directory.Delete(folder); }
        catch (IOException) { } // not empty, or in use after all: it goes with the Pod
    }
}
