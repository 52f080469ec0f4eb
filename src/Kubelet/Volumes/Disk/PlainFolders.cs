using Microsoft.Win32.SafeHandles;

namespace Hanbae.Kubelet.Volumes.Disk;

/// <summary>Stands in for mounts where there is no right to mount: volumes are folders, memory is the disk. For nodes without real containers.</summary>
sealed class PlainFolders : IMounts
{
    public bool CanOwn => false;

    public void Memory(string folder, string options) { }

    public void HugePages(string folder, string options) => throw new IOException("huge pages need the right to mount");

    public string Bind(SafeFileHandle source, string target, bool readOnly, IEnumerable<string>? options = null) =>
        File.ResolveLinkTarget(Native.PathOf(source), returnFinalTarget: false)?.FullName ?? throw new IOException("the source of a bind mount is gone");

    public Task UnmountBeneathAsync(string folder, CancellationToken ct) => Task.CompletedTask;

    public Task UnmountAsync(string path, CancellationToken ct) => Task.CompletedTask;
}
