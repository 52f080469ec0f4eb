using Microsoft.Win32.SafeHandles;

namespace Hanbae.Kubelet.Volumes.Disk;

/// <summary>Mounts, where the kernel lets us: a node whose containers are not real (and whose user is not root) does without.</summary>
interface IMounts
{
    /// <summary>Whether owners and groups of files can be set.</summary>
    bool CanOwn { get; }

    /// <summary>Memory at <paramref name="folder"/>, unless there already.</summary>
    /// <param name="options">As <c>size=1048576</c>.</param>
    /// <exception cref="IOException"/>
    void Memory(string folder, string options);

    /// <summary>Huge pages at <paramref name="folder"/>, unless there already.</summary>
    /// <exception cref="IOException"/>
    void HugePages(string folder, string options);

    /// <summary>Makes an opened file or folder appear at <paramref name="target"/> too, of the same sort, unless it does already.</summary>
    /// <param name="options">Of a PersistentVolume: those that are the mount's own, as <c>noexec</c>, hold; a file system's are no affair of a second mount of it.</param>
    /// <returns>The path where it is: the target, or the source where nothing can be mounted.</returns>
    /// <exception cref="IOException"/>
    string Bind(SafeFileHandle source, string target, bool readOnly, IEnumerable<string>? options = null);

    /// <summary>Unmounts all that is beneath <paramref name="folder"/>; what a server holds on to, by force in the end.</summary>
    /// <exception cref="IOException">Something is in use.</exception>
    Task UnmountBeneathAsync(string folder, CancellationToken ct);

    /// <summary>Unmounts what is at <paramref name="path"/>, if anything.</summary>
    /// <inheritdoc cref="UnmountBeneathAsync"/>
    Task UnmountAsync(string path, CancellationToken ct);
}
