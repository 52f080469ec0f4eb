using System.Text;
using Hanbae.Cri.V1;
using Hanbae.Kubelet.Server;

namespace Hanbae.Kubelet.Runtime;

/// <summary>Finds what a container left to say about its end: the file it was given for that, or the last of its log.</summary>
static class TerminationMessage
{
    /// <summary>As upstream, for the message and for the tail of a log that stands in for it.</summary>
    const int MaxMessage = 4096, MaxLog = 2048, MaxLogLines = 80;

    public static string Of(RuntimeContainer container, ContainerStatus status)
    {
        string message = status.Message;
        bool failed = container.ExitCode != 0;
        string path = status.Annotations.GetValueOrDefault(RuntimeLabels.TerminationMessagePath) ?? "";
        string said = "";
        if (path.Length > 0 && status.Mounts.FirstOrDefault(m => m.ContainerPath == path) is { HostPath: { Length: > 0 } file })
        {
            try { said = Tail(file, MaxMessage); }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException) { said = $"Error on reading termination message from {path}: {e.Message}"; }
        }
        if (said.Length == 0 && failed && container.Reason != "StartError"
            && status.Annotations.GetValueOrDefault(RuntimeLabels.TerminationMessagePolicy) == "FallbackToLogsOnError")
        {
            try { said = LogTail.Read(status.LogPath, MaxLogLines, MaxLog); }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException) { said = $"Error on reading termination message from logs: {e.Message}"; }
        }
        return said.Length == 0 ? message : message.Length == 0 ? said : message + ": " + said;
    }

    static string Tail(string file, int max)
    {
        // The container may have put anything in the place of its file: only a plain file is read.
        if (new FileInfo(file) is not { Exists: true, LinkTarget: null } info || (info.Attributes & (FileAttributes.Device | FileAttributes.Directory)) != 0) return "";
        using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        if (stream.Length > max) stream.Seek(-max, SeekOrigin.End);
        byte[] bytes = new byte[Math.Min(max, stream.Length)];
        int read = stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
        return Encoding.UTF8.GetString(bytes, 0, read);
    }
}
