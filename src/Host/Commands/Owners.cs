using Hanbae.Host.Runtime;

namespace Hanbae.Host.Commands;

/// <summary>Whose a cluster is: what sudo made is root's, which is told to whoever comes without it, and the other way round.</summary>
static class Owners
{
    static string? Sudoer => Environment.IsPrivilegedProcess && Environment.GetEnvironmentVariable("SUDO_USER") is { Length: > 0 } user && user != "root" ? user : null;

    /// <summary>How kubectl is told of the cluster: lines to type.</summary>
    public static IEnumerable<string> Kubeconfig(string folder) => Kubeconfig(KubeconfigPath.Of(folder), Sudoer);

    /// <param name="user">Who has come with sudo; null for nobody.</param>
    internal static IEnumerable<string> Kubeconfig(string file, string? user)
    {
        if (user is null) return [$"export KUBECONFIG={file}"];
        // Of root alone it is readable: without a copy every kubectl would need sudo.
        return [$"sudo install -o {user} -m 600 {file} ~/hanbae.kubeconfig", "export KUBECONFIG=~/hanbae.kubeconfig"];
    }

    /// <summary>Where else a cluster is that may be meant, when there is none in a folder that nobody named; empty when there is none.</summary>
    public static string Elsewhere() => Elsewhere(Environment.IsPrivilegedProcess, Sudoer, File.Exists, () => File.ReadLines("/etc/passwd"));

    internal static string Elsewhere(bool root, string? user, Func<string, bool> exists, Func<IEnumerable<string>> passwords)
    {
        if (!root) return exists(NodePaths.Of(Shared.MachineFolder).Marker) ? $", but one of root's in {Shared.MachineFolder}: type the same again with sudo in front" : "";
        // NAME:x:UID:GID:REAL NAME:HOME:SHELL
        if (user is null || passwords().Select(l => l.Split(':')).FirstOrDefault(l => l.Length > 5 && l[0] == user) is not { } entry) return "";
        string folder = Path.Combine(entry[5], ".hanbae");
        return exists(NodePaths.Of(folder).Marker) ? $", but one of {user}'s in {folder}: type the same again without sudo" : "";
    }
}
