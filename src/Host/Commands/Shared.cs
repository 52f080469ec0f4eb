using System.CommandLine;
using System.Net.Sockets;
using Hanbae.Client;
using Hanbae.Host.Images;
using Hanbae.Host.Runtime;
using Hanbae.Host.Settings;
using Hanbae.Store;

namespace Hanbae.Host.Commands;

/// <summary>What several verbs need: the data folder option, and errors told as sentences rather than stack traces.</summary>
static class Shared
{
    /// <summary>Exit codes that scripts can trust.</summary>
    public const int Ok = 0, Failed = 1, NotRunning = 3;

    /// <summary>Of the node that is the machine's own.</summary>
    public const string MachineFolder = "/var/lib/hanbae";

    static string DefaultFolder => Environment.GetEnvironmentVariable("HANBAE_DATA_DIR") is { Length: > 0 } set ? set
        : Environment.IsPrivilegedProcess ? MachineFolder
        : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".hanbae");

    public static Option<string> DataDir() => new("--data-dir")
    {
        Description = "Folder of the cluster's state; two folders are two clusters. Also by HANBAE_DATA_DIR.", DefaultValueFactory = _ => DefaultFolder,
    };

    /// <summary>What to type for another verb about the same cluster.</summary>
    public static string Again(string verb, string folder)
    {
        string full = Path.GetFullPath(folder);
        if (full == Path.GetFullPath(DefaultFolder)) return "hanbae " + verb;
        return $"hanbae {verb} --data-dir {(full.Any(c => !char.IsAsciiLetterOrDigit(c) && "/._-+:@%,=".IndexOf(c) < 0) ? "'" + full.Replace("'", "'\\''") + "'" : full)}";
    }

    /// <summary>Runs a verb; what a person can mend is one line on standard error.</summary>
    public static async Task<int> RunAsync(Func<Task<int>> verb)
    {
        try { return await verb(); }
        catch (HttpRequestException e)
        {
            Console.Error.WriteLine($"hanbae: the API server does not answer ({e.Message}); `hanbae status` tells whether it runs, `hanbae up` starts it");
            return Failed;
        }
        // A FormatException is a kubeconfig that makes no sense; a StoreException says what is wrong with the disk, and what to do.
        catch (Exception e) when (e is Hanbae.Api.Rest.ApiException or RuntimeException or ImageException or SettingsException or IOException or UnauthorizedAccessException or SocketException or FormatException or StoreException)
        {
            Console.Error.WriteLine("hanbae: " + e.Message);
            return Failed;
        }
        catch (OperationCanceledException) { return Failed; }
    }

    /// <summary>As the administrator to a cluster that must be there.</summary>
    public static HttpTransport Connect(string dataDir)
    {
        if (!File.Exists(KubeconfigPath.Of(dataDir))) Settings(dataDir);
        return new(Kubeconfig.Load(KubeconfigPath.Of(dataDir)).Resolve(), TimeProvider.System);
    }

    /// <summary>The settings of a cluster that must be there.</summary>
    public static ClusterSettings Settings(string dataDir) =>
        ClusterSettings.Load(dataDir) ?? throw new SettingsException(OtherClusters.IsNoted(NodePaths.Of(dataDir))
            ? $"the cluster in {dataDir} was removed by other hands and left things on this machine; `{Again("reset", dataDir)}` removes them"
            : $"there is no cluster in {dataDir}; make one with `hanbae up`, or name its folder with --data-dir");
}
