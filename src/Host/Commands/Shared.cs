using System.CommandLine;
using System.Net.Sockets;
using Hanbae.Host.Images;
using Hanbae.Host.Runtime;
using Hanbae.Host.Settings;

namespace Hanbae.Host.Commands;

/// <summary>What several verbs need: the data folder option, and errors told as sentences rather than stack traces.</summary>
static class Shared
{
    /// <summary>Exit codes that scripts can trust.</summary>
    public const int Ok = 0, Failed = 1, NotRunning = 3;

    public static Option<string> DataDir() => new("--data-dir")
    {
        Description = "Folder of the cluster's state; two folders are two clusters. Also by HANBAE_DATA_DIR.",
        DefaultValueFactory = _ => Environment.GetEnvironmentVariable("HANBAE_DATA_DIR") is { Length: > 0 } set ? set
            : Environment.IsPrivilegedProcess ? "/var/lib/hanbae"
            : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".hanbae"),
    };

    /// <summary>Runs a verb; what a person can mend is one line on standard error.</summary>
    public static async Task<int> RunAsync(Func<Task<int>> verb)
    {
        try { return await verb(); }
        catch (Exception e) when (e is Hanbae.Api.Rest.ApiException or RuntimeException or ImageException or SettingsException or IOException or UnauthorizedAccessException or SocketException)
        {
            Console.Error.WriteLine("hanbae: " + e.Message);
            return Failed;
        }
        catch (OperationCanceledException) { return Failed; }
    }

    /// <summary>The settings of a cluster that must be there.</summary>
    public static ClusterSettings Settings(string dataDir) =>
        ClusterSettings.Load(dataDir) ?? throw new SettingsException($"there is no cluster in {dataDir}; make one with `hanbae up`, or name its folder with --data-dir");
}
