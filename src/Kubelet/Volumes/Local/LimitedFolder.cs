using Hanbae.Kubelet.Volumes.Disk;
using Hanbae.Kubelet.Volumes.Remote;

namespace Hanbae.Kubelet.Volumes.Local;

/// <summary>Gives a folder a size: it is the mount point of an ext4 file system in a file beside it, which takes of the disk only what is written.</summary>
/// <remarks>Each step finds its own work. The mount is gone after the machine was; whoever binds the folder for a Pod has it mounted first.</remarks>
sealed class LimitedFolder(Programs programs)
{
    const string Suffix = ".img";

    /// <summary>Between who makes and grows folders and who binds them, in one process: a folder must not be bound while it is not mounted.</summary>
    static readonly Turns s_turns = new();

    static string FileOf(string folder) => folder + Suffix;

    public static bool IsOne(string folder) => File.Exists(FileOf(folder));

    /// <exception cref="IOException"/>
    public async Task MakeAsync(string folder, long bytes, CancellationToken ct)
    {
        string file = FileOf(folder), made = file + "~";
        if (!File.Exists(file))
        {
            using (var stream = new FileStream(made, FileMode.Create, FileAccess.Write)) stream.SetLength(bytes);
            if (Native.SetMode(made, 0x180) is not 0 and var closed) throw Tree.Failure("chmod", made, closed); // 0600
            await RunAsync("mkfs.ext4", ["-q", "-F", "-m0", made], ct).ConfigureAwait(false);
            File.Move(made, file);
        }
        if (!await MountAsync(folder, ct).ConfigureAwait(false)) return;
        // As a folder would be: open to any user, and empty. What fsck finds, it makes a place for.
        if (Native.SetMode(folder, 0x1FF) is not 0 and var error) throw Tree.Failure("chmod", folder, error);
        string found = Path.Combine(folder, "lost+found");
        if (Directory.Exists(found)) Tree.Delete(found);
    }

    /// <summary>Has the folder show its file system while it is bound.</summary>
    /// <exception cref="IOException"/>
    public Task<T> MountedAsync<T>(string folder, Func<T> bind, CancellationToken ct) => s_turns.AloneAsync(folder, async () =>
    {
        await MountAsync(folder, ct).ConfigureAwait(false);
        return bind();
    }, ct);

    /// <returns>False when it was mounted already.</returns>
    async Task<bool> MountAsync(string folder, CancellationToken ct)
    {
        string real = Native.RealPath(folder);
        if (MountTable.Read().At(real) is not null) return false;
        await RunAsync("mount", ["-t", "ext4", "-o", "loop", FileOf(folder), real], ct).ConfigureAwait(false);
        return true;
    }

    /// <exception cref="IOException"/>
    public Task GrowAsync(string folder, long bytes, CancellationToken ct) => IsOne(folder) ? s_turns.AloneAsync(folder, () => GrowInTurnAsync(folder, bytes, ct), ct) : Task.CompletedTask;

    async Task GrowInTurnAsync(string folder, long bytes, CancellationToken ct)
    {
        using (var stream = new FileStream(FileOf(folder), FileMode.Open, FileAccess.Write))
            if (stream.Length < bytes) stream.SetLength(bytes);
        await MountAsync(folder, ct).ConfigureAwait(false);
        string real = Native.RealPath(folder), device = MountTable.Read().At(real)?.Source ?? throw new IOException($"{folder} is not mounted");
        await RunAsync("losetup", ["-c", device], ct).ConfigureAwait(false);
        try { await RunAsync("resize2fs", [device], ct).ConfigureAwait(false); }
        catch (IOException e)
        {
            // Some kernels, and roots without CAP_SYS_RESOURCE, cannot while it is mounted; nobody else may have it then, here or in a container.
            if (MountTable.Read().Any(p => p.Source == device && p.Path != real)) throw new IOException($"{e.Message}; it grows when no Pod uses it", e);
            await new KernelMounts().UnmountAsync(real, ct).ConfigureAwait(false);
            if ((await RunAsync("losetup", ["-j", FileOf(real)], ct).ConfigureAwait(false)).Length == 0)
            {
                const int corrected = 1;
                await RunAsync("e2fsck", ["-f", "-p", FileOf(real)], ct, corrected).ConfigureAwait(false);
                await RunAsync("resize2fs", [FileOf(real)], ct).ConfigureAwait(false);
            }
            else
            {
                await MountAsync(folder, ct).ConfigureAwait(false);
                throw new IOException($"{e.Message}; it grows when no container uses it", e);
            }
            await MountAsync(folder, ct).ConfigureAwait(false);
        }
    }

    /// <exception cref="IOException">It is in use.</exception>
    public static async Task RemoveAsync(string folder, CancellationToken ct)
    {
        if (Directory.Exists(folder)) await new KernelMounts().UnmountAsync(Native.RealPath(folder), ct).ConfigureAwait(false);
        File.Delete(FileOf(folder) + "~");
        File.Delete(FileOf(folder));
    }

    /// <param name="atMost">The highest exit status that is no failure.</param>
    /// <returns>What it said.</returns>
    async Task<string> RunAsync(string program, string[] arguments, CancellationToken ct, int atMost = 0)
    {
        try
        {
            var run = await programs.RunAsync(program, arguments, ct).ConfigureAwait(false);
            return run.Code <= atMost ? run.Output.Trim() : throw new IOException($"{program} {string.Join(' ', arguments)} ended with {run.Code}: {run.Output.Trim()}");
        }
        catch (VolumeException e) { throw new IOException($"volumes with a limit need {program}: {e.Message}", e); }
    }
}
