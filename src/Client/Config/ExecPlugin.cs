using System.Collections.Immutable;

namespace Hanbae.Client;

/// <summary>A program that a kubeconfig names to get credentials by: the <c>exec</c> part of a user.</summary>
public sealed record ExecPlugin
{
    /// <summary>A name in <c>PATH</c>, or a path.</summary>
    public required string Command { get; init; }
    /// <summary>What the program is called with.</summary>
    public ImmutableArray<string> Arguments { get; init; } = [];
    /// <summary>What its environment has beside this process's.</summary>
    public ImmutableArray<KeyValuePair<string, string>> Environment { get; init; } = [];
    /// <summary><c>client.authentication.k8s.io/v1</c> or <c>…/v1beta1</c>.</summary>
    public required string ApiVersion { get; init; }
    /// <summary>What to tell a user who does not have the program.</summary>
    public string InstallHint { get; init; } = "";
    /// <summary>Whether the program is told of the cluster.</summary>
    public bool ProvideClusterInfo { get; init; }
    /// <summary><c>Never</c>, <c>IfAvailable</c> or <c>Always</c>: whether the program wants the terminal.</summary>
    public string InteractiveMode { get; init; } = "IfAvailable";

    internal static ExecPlugin Read(string user, YamlTree exec, string folder)
    {
        string version = exec["apiVersion"].Text, command = exec["command"].Text, mode = exec["interactiveMode"].Text;
        if (command.Length == 0) throw new FormatException($"user \"{user}\": exec has no command");
        if (version is not ("client.authentication.k8s.io/v1" or "client.authentication.k8s.io/v1beta1"))
            throw new FormatException($"user \"{user}\": exec apiVersion \"{version}\" is not client.authentication.k8s.io/v1 or v1beta1");
        if (mode.Length == 0 && version.EndsWith("/v1", StringComparison.Ordinal)) throw new FormatException($"user \"{user}\": exec has no interactiveMode, which v1 asks for");
        if (mode is not ("" or "Never" or "IfAvailable" or "Always")) throw new FormatException($"user \"{user}\": exec interactiveMode \"{mode}\" is not Never, IfAvailable or Always");
        return new()
        {
            // As client-go: what has a slash in it is relative to the file, a bare name is looked up in PATH.
            Command = command.Contains('/', StringComparison.Ordinal) ? Path.Combine(folder, command) : command,
            Arguments = [.. exec["args"].Items.Select(a => a.Text)],
            Environment = [.. exec["env"].Items.Select(e => KeyValuePair.Create(e["name"].Text, e["value"].Text))],
            ApiVersion = version, InstallHint = exec["installHint"].Text, ProvideClusterInfo = exec["provideClusterInfo"].True,
            InteractiveMode = mode.Length > 0 ? mode : "IfAvailable",
        };
    }
}
