using Hanbae.Kubelet.Volumes.Disk;
using Microsoft.Win32.SafeHandles;

namespace Hanbae.Kubelet.Nodes;

/// <summary>A file that one kubelet of a machine holds at a time; the one that holds it may go when another asks for it (upstream's <c>--lock-file</c>, <c>--exit-on-lock-contention</c>).</summary>
public sealed class LockFile : IDisposable
{
    static readonly TimeSpan s_look = TimeSpan.FromMilliseconds(500);

    readonly FileStream _held;
    readonly TimeProvider _time;

    LockFile(FileStream held, TimeProvider time) => (_held, _time) = (held, time);

    /// <summary>Waits until nobody else holds it.</summary>
    public static async Task<LockFile> TakeAsync(string path, TimeProvider time, CancellationToken ct)
    {
        while (true)
        {
            try
            {
                // Not shared means locked for whoever locks, too: flock(2).
                return new(new FileStream(path, new FileStreamOptions
                {
                    Mode = FileMode.OpenOrCreate, Access = FileAccess.ReadWrite, Share = FileShare.None, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
                }), time);
            }
            catch (IOException) when (File.Exists(path)) { await Task.Delay(s_look, time, ct).ConfigureAwait(false); }
        }
    }

    /// <summary>Until somebody opens the file, or removes it.</summary>
    /// <exception cref="IOException"/>
    public async Task AskedForAsync(CancellationToken ct)
    {
        using SafeFileHandle watch = Native.WatchOpened(_held.Name);
        while (!Native.HasHappened(watch)) await Task.Delay(s_look, _time, ct).ConfigureAwait(false);
    }

    public void Dispose() => _held.Dispose();
}
