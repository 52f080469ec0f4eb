using Hanbae.Kubelet.Volumes.Disk;
using Microsoft.Win32.SafeHandles;

namespace Hanbae.Kubelet.Volumes.Remote;

/// <summary>Hands a secret to a helper by a file that is only memory: on no command line, on no disk, and gone with this process at the latest.</summary>
sealed class SecretFile : IDisposable
{
    readonly SafeFileHandle _handle;

    /// <exception cref="IOException"/>
    public SecretFile(ReadOnlySpan<byte> secret)
    {
        _handle = Native.MemoryFile("hanbae-secret");
        RandomAccess.Write(_handle, secret, 0);
        Path = $"/proc/{Environment.ProcessId}/fd/{_handle.DangerousGetHandle()}";
    }

    /// <summary>By which other processes of root open it.</summary>
    public string Path { get; }

    public void Dispose() => _handle.Dispose();
}
