namespace Hanbae.Kubelet.Volumes.Disk;

/// <summary>Takes mounts off, also those whose server is gone: asked first, then forced, then only taken out of sight; each for a bounded time.</summary>
/// <param name="call"><see cref="Native.Unmount"/>.</param>
/// <param name="patience">For each of the three; upstream waits a minute before it uses force.</param>
sealed class Unmounting(Func<string, int, int> call, TimeProvider time, TimeSpan? patience = null)
{
    /// <summary>What the kernel answers by itself, and at once.</summary>
    static readonly string[] s_local = ["tmpfs", "hugetlbfs", "ext2", "ext3", "ext4", "xfs", "btrfs", "overlay", "squashfs", "erofs", "iso9660", "proc", "sysfs", "devtmpfs"];

    readonly Patient _patient = new(time, patience ?? TimeSpan.FromMinutes(1));

    /// <returns>0 or the error.</returns>
    public async Task<int> UnmountAsync(MountPoint point, CancellationToken ct)
    {
        if (Array.IndexOf(s_local, point.Type) >= 0) return await LocalAsync(point.Path, ct).ConfigureAwait(false);
        int result = Native.Busy;
        foreach (var (how, verb) in ((int, string)[])[(0, "unmount"), (Native.Force, "force"), (Native.Detach, "detach")])
            try
            {
                result = await _patient.RunAsync($"{verb} {point.Path}", () => call(point.Path, how), ct).ConfigureAwait(false);
                // Force ends what is under way with that server for other Pods, too: only where nobody gets an answer anyway.
                if (result == 0 || how == Native.Detach || (how == 0 && (result != Native.Busy || await AnswersAsync(point.Path, ct).ConfigureAwait(false)))) return result;
            }
            catch (TimeoutException) { } // by the next means
        return result;
    }

    /// <summary>A program just being started holds for milliseconds what its parent has open: busy is asked again for a moment.</summary>
    async Task<int> LocalAsync(string path, CancellationToken ct)
    {
        for (int wait = 10; ; wait *= 2)
            if (call(path, 0) is var result && (result != Native.Busy || wait > 160)) return result;
            else await Task.Delay(TimeSpan.FromMilliseconds(wait), time, ct).ConfigureAwait(false);
    }

    async Task<bool> AnswersAsync(string path, CancellationToken ct)
    {
        try { return await _patient.RunAsync("statfs " + path, () => Native.FileSystem(path).Total >= 0, ct).ConfigureAwait(false); }
        catch (IOException) { return true; } // an answer, too
        catch (TimeoutException) { return false; }
    }
}
